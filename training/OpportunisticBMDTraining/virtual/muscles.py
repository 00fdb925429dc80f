"""Skin, subcutaneous fat, the muscular wall, the muscles of the back and the psoas."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDTraining.virtual.canvas import Canvas, is_empty, stamp_tube
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.spine import Vertebra
from OpportunisticBMDTraining.virtual.trunk import Trunk

RIGHT, FRONT = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
PSOAS_RADIUS = {"T12": 3, "L1": 7, "L2": 11, "L3": 15, "L4": 18, "L5": 19, "L6": 19}


def paint_wall(canvas: Canvas, parameters: PatientParameters, trunk: Trunk) -> None:
    """Skin, fat and the muscular wall, filled with muscle; what lies inside is painted over it."""
    body = parameters.body
    p = canvas.coordinates(canvas.whole)
    wall = 0.75 * body.wall
    surface = trunk.distance(p, wall + body.fat, power=2.5, fat_front=0.35 * body.fat)
    canvas.paint(canvas.whole, surface - 2.0, 25.0)
    canvas.paint(canvas.whole, surface, body.fat_hu)
    canvas.paint(canvas.whole, trunk.distance(p, wall, fat_front=-0.2 * body.wall), body.muscle_hu)


def paint_muscles(canvas: Canvas, parameters: PatientParameters, vertebrae: tuple[Vertebra, ...]) -> None:
    """Back muscles, psoas and quadratus lumborum."""
    last = vertebrae[-1].centre
    box = canvas.box((-110, -130, last[2] - 20), (110, 45, 1e4))
    if is_empty(box):
        return
    size, tone = parameters.size, parameters.body.muscle_hu + (8 if parameters.contrast else 0)
    blank = np.full([s.stop - s.start for s in box], 9, np.float32)
    back, front = blank.copy(), blank
    for above, below in zip(vertebrae, vertebrae[1:]):
        _stamp_back(back, box, canvas, above, below, size)
        if above.shape.name in PSOAS_RADIUS:
            _stamp_psoas(front, box, canvas, above, below, size)
    canvas.paint(box, back, tone)
    canvas.paint(box, front, tone)


def _stamp_back(d: np.ndarray, box: Ranges, canvas: Canvas, above: Vertebra, below: Vertebra, size: float) -> None:
    b0, b1 = above.shape.depth * 0.45, below.shape.depth * 0.45
    for side in (-1, 1):
        ends = above.to_ras(side * 26, -b0 - 34, 0), below.to_ras(side * 27, -b1 - 34, 0)
        stamp_tube(d, box, canvas, ends, (17 * size, 17 * size), (RIGHT, 1.4))


def _stamp_psoas(d: np.ndarray, box: Ranges, canvas: Canvas, above: Vertebra, below: Vertebra, size: float) -> None:
    r0, r1 = (PSOAS_RADIUS[v.shape.name] * size for v in (above, below))
    w0, w1 = above.shape.width / 2 + r0 * 0.7, below.shape.width / 2 + r1 * 0.7
    for side in (-1, 1):
        ends = above.to_ras(side * w0, -6, 0), below.to_ras(side * w1, -5, 0)
        stamp_tube(d, box, canvas, ends, (r0, r1), (FRONT, 1.2))
        if above.shape.name != "T12":
            ends = above.to_ras(side * 58, -32, 0), below.to_ras(side * 66, -30, 0)
            stamp_tube(d, box, canvas, ends, (6, 8), (RIGHT, 1.8))
