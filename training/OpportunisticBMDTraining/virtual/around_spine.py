"""The same patient in a scan of the organs around T12 to L2 alone, in coarse voxels: a fraction of the work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.spine import place_vertebrae
from OpportunisticBMDTraining.virtual.true_levels import measured_levels

PIXEL_MM, LEAST_SLICE_MM, KERNEL_MM = 2.2, 2.5, 0.9
FIELD_MM, AHEAD_MM, BEYOND_MM = 300.0, 26.0, 80.0
NOISE = 0.6  # of the noise of the finer pixels: larger ones average some of it


def true_centres(parameters: PatientParameters) -> dict[str, np.ndarray]:
    """T12, L1 and L2, as their ribs name them -> centre of the body (RAS, mm), of those whose middle is scanned."""
    levels, scan = measured_levels(parameters.body, parameters.vertebrae), parameters.scan
    placed = [v for v in place_vertebrae(parameters) if v.shape.name in levels]
    return {levels[v.shape.name]: v.centre for v in placed if scan.bottom < v.centre[2] < scan.top}


def around_spine(parameters: PatientParameters) -> PatientParameters:
    """As far as the scan reaches there."""
    scan = parameters.scan
    heights = [v.centre[2] for v in place_vertebrae(parameters) if v.shape.name in ("T12", "L1", "L2")]
    thickness = max(scan.slice_thickness, LEAST_SLICE_MM)
    is_wide = scan.field_of_view > FIELD_MM
    coarse = replace(
        scan,
        pixel=PIXEL_MM,
        slice_thickness=thickness,
        increment=0.0,
        smear=0.15 * thickness,
        kernel_sigma=KERNEL_MM,
        edge=0.0,
        noise_hu=NOISE * scan.noise_hu,
        field_of_view=min(scan.field_of_view, FIELD_MM),
        centre=(scan.centre[0], AHEAD_MM) if is_wide else scan.centre,
        circle=scan.circle and not is_wide,
        top=float(min(scan.top, max(heights) + BEYOND_MM)),
        bottom=float(max(scan.bottom, min(heights) - BEYOND_MM)),
    )
    return replace(parameters, scan=coarse)
