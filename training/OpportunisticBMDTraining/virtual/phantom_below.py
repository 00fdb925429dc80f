"""A calibration phantom between patient and table: long rods in a flat body of water-equivalent resin.

Densities are the phantom's own (`calibration.phantoms`); its body, how thick the rods are and how far they lie apart
are ours. It passes through the same scanner as the patient: blur, noise, slope, offset and cupping.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from OpportunisticBMDLib.calibration import MINERAL
from OpportunisticBMDLib.calibration.phantoms import PHANTOMS
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.materials import HA
from OpportunisticBMDTraining.virtual.canvas import Canvas, is_empty
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.spine import place_vertebrae
from OpportunisticBMDTraining.virtual.trunk import Trunk

RADIUS_MM, SPACING_MM = 9.0, 28.0  # of the rods
HEIGHT_MM, RIM_MM = 28.0, 14.0  # of the body; around the outer rods
PAD_MM = 2.0  # between back and phantom
BODY_HU = {"mindways": 60.0}  # of plastics that are not water


def on_phantom(parameters: PatientParameters, name: str) -> PatientParameters:
    """The same patient on a phantom, scanned in a field that holds it."""
    scan, trunk = parameters.scan, Trunk.of(parameters, place_vertebrae(parameters))
    right, front = scan.centre
    bottom = trunk.back() - PAD_MM - HEIGHT_MM
    field = max(scan.field_of_view, 2 * float(np.hypot(_half_width(name) + abs(right), front - bottom)))
    wider = replace(scan, field_of_view=field, pixel=max(scan.pixel, field / 512))
    return replace(parameters, below=name, scan=wider)


def height_below(parameters: PatientParameters) -> float:
    """By how much the table lies lower, mm."""
    return HEIGHT_MM + PAD_MM if parameters.below else 0.0


def paint_phantom_below(canvas: Canvas, parameters: PatientParameters, trunk: Trunk) -> None:
    """The phantom that the record names, if it names one."""
    if not parameters.below:
        return
    phantom = PHANTOMS[parameters.below]
    middle = trunk.back() - PAD_MM - HEIGHT_MM / 2
    half = _half_width(parameters.below)
    box = canvas.box((-half - 2, middle - HEIGHT_MM / 2 - 2, -1e4), (half + 2, middle + HEIGHT_MM / 2 + 2, 1e4))
    if is_empty(box):
        return
    x, y, _ = canvas.coordinates(box)
    body = np.maximum(np.abs(x) - np.float32(half), np.abs(y - np.float32(middle)) - np.float32(HEIGHT_MM / 2))
    canvas.paint(box, body, BODY_HU.get(parameters.below, 0.0), canvas.spacing[0])
    for n, hu in enumerate(phantom.hu(_water_line(parameters.scan.kvp))):
        place = np.float32((n - (len(phantom.inserts) - 1) / 2) * SPACING_MM)
        rod = np.hypot(x - place, y - np.float32(middle)) - np.float32(RADIUS_MM)
        canvas.paint(box, rod, float(hu), canvas.spacing[0])


def _half_width(name: str) -> float:
    """mm."""
    return SPACING_MM * (len(PHANTOMS[name].inserts) - 1) / 2 + RIM_MM


def _water_line(kvp: float) -> Calibration:
    """What minerals in water show at a voltage, where water is 0 HU."""
    slope = float(np.interp(kvp, sorted(MINERAL), [MINERAL[v][0] for v in sorted(MINERAL)]))
    return Calibration("true", HA, slope, 0.0, "of the virtual spectrum")
