"""Arms that lie beside the body."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDTraining.virtual.canvas import Canvas, coverage, is_empty, stamp_tube
from OpportunisticBMDTraining.virtual.materials import FAT_HU
from OpportunisticBMDTraining.virtual.parameters import Arm, PatientParameters
from OpportunisticBMDTraining.virtual.trunk import Trunk

BONE_MM, MARROW_MM, NAIL_MM, NAIL_HU = 11.0, 5.5, 4.5, 6000.0


def paint_arm_flesh(canvas: Canvas, parameters: PatientParameters, trunk: Trunk) -> None:
    """Skin, fat and muscle."""
    for arm in parameters.body.arms:
        body = parameters.body
        fat = 3 + 0.25 * body.fat
        found = _distance(canvas, trunk, parameters, arm)
        if found is None:
            continue
        box, d = found
        for depth, hu in ((0.0, 25.0), (2.0, body.fat_hu), (2.0 + fat, body.muscle_hu)):
            canvas.paint(box, d + np.float32(depth), hu)


def paint_arm_bones(canvas: Canvas, parameters: PatientParameters, trunk: Trunk) -> None:
    """The shaft of the humerus, or a nail in it."""
    for arm in parameters.body.arms:
        found = _distance(canvas, trunk, parameters, arm, BONE_MM)
        if found is None:
            continue
        box, d = found
        hu = canvas.hu[box]
        layers = [(0.0, 1250.0 * parameters.compact), (BONE_MM - MARROW_MM, FAT_HU + 40)]
        if arm.nail:
            layers.append((BONE_MM - NAIL_MM, NAIL_HU))
        for depth, value in layers:
            hu += coverage(d + np.float32(depth), canvas.voxel) * (np.float32(value) - hu)


def _distance(
    canvas: Canvas, trunk: Trunk, parameters: PatientParameters, arm: Arm, radius: float | None = None
) -> tuple[Ranges, np.ndarray] | None:
    """A box around a tube in the middle of the arm, and the distance to the tube, mm; None outside the field."""
    radius = radius or arm.radius
    z = np.array([-260.0, 260.0])
    wide, _ = trunk.axes(np.linspace(-60, 60, 5))
    x0, y0 = trunk.centre(0.0)
    away = float(wide.max()) + 0.75 * parameters.body.wall + parameters.body.fat + 2 + arm.gap + arm.radius
    lower, upper = (
        np.array([float(x0) + arm.side * (away + lean), float(y0) + arm.front, height])
        for height, lean in zip(z, (6.0, 0.0))
    )
    low, high = np.minimum(lower, upper) - radius - 4, np.maximum(lower, upper) + radius + 4
    box = canvas.box(low, high)
    if is_empty(box):
        return None
    d = np.full([s.stop - s.start for s in box], 9, np.float32)
    stamp_tube(d, box, canvas, (lower, upper), (radius, radius))
    return box, d
