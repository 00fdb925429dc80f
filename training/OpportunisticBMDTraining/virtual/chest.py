"""Lungs above the diaphragm, the mediastinum and the heart."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDTraining.virtual.canvas import ellipsoid, is_empty, smooth_max
from OpportunisticBMDTraining.virtual.cavity import Cavity, spine_line
from OpportunisticBMDTraining.virtual.materials import LUNG_HU
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.trunk import Trunk


def paint_chest(cavity: Cavity, parameters: PatientParameters, trunk: Trunk, rng: np.random.Generator) -> None:
    """Paints everything between the diaphragm and the top of the scan."""
    canvas, body = cavity.canvas, parameters.body
    box = canvas.box((-1e4, -1e4, -40), (1e4, 1e4, 1e4))
    if is_empty(box):
        return
    p, inner = canvas.coordinates(box), cavity.inner[box]
    space = smooth_max(inner, cavity.over_diaphragm(box, 0.0), 4.0)
    keep, heart = _mediastinum(p, parameters, trunk)
    canvas.paint(box, smooth_max(space, keep, 3.0), body.fat_hu + 15)
    blood = body.vein_hu + 10 if parameters.contrast else 42.0
    canvas.paint(box, smooth_max(heart + 4, space + 3, 3.0), blood)
    lungs = smooth_max(space, -keep, 4.0)
    canvas.paint(box, lungs, LUNG_HU)
    _paint_lung_vessels(cavity, lungs, box, rng)


def _mediastinum(p: tuple, parameters: PatientParameters, trunk: Trunk) -> tuple[np.ndarray, np.ndarray]:
    """Signed distances to the mediastinum with the heart, and to the heart alone."""
    x0, y0 = spine_line(trunk, p[2])
    middle = np.sqrt((p[0] - x0) ** 2 + ((p[1] - y0 - 8) / 1.5) ** 2) - 30
    front = np.sqrt((p[0] - x0 + 8) ** 2 + ((p[1] - y0 - 120) / 3) ** 2) - 24
    centre = (-30.0, float(trunk.centre(110.0)[1]) + 30, parameters.body.dome * parameters.size + 34)
    heart = ellipsoid(p, centre, (58.0, 46.0, 48.0))
    return np.minimum(np.minimum(middle, heart), front), heart


def _paint_lung_vessels(cavity: Cavity, lungs: np.ndarray, box: Ranges, rng: np.random.Generator) -> None:
    """Specks of vessels, so that the lung is not an empty bag."""
    small = rng.standard_normal([max(n // 2, 1) for n in lungs.shape], dtype=np.float32)
    specks = np.repeat(np.repeat(np.repeat(small, 2, 0), 2, 1), 2, 2)
    specks = np.pad(specks, [(0, max(n - m, 0)) for n, m in zip(lungs.shape, specks.shape)])
    specks = specks[tuple(slice(0, n) for n in lungs.shape)]
    part = cavity.canvas.hu[box]
    part += np.where((lungs < -3) & (specks > 2.1), np.float32(350), 0)
