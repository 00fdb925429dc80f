"""Sacrum and iliac wings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.interpolate import make_interp_spline

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDTraining.virtual.canvas import Canvas, is_empty, stamp_tube
from OpportunisticBMDTraining.virtual.discs import paint_discs
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.spine import Vertebra, body_distances, paint_shell, place_below

S1_WIDTH, S1_HEIGHT, S1_LEAN = 50.0, 30.0, -42.0  # mm for a man of 175 cm; degrees, its top leans forwards
# Points of the iliac crest from back to front, and of the wing's lower border, mm relative to the centre of L5.
CREST = ((38, -62, -18), (62, -62, 12), (98, -38, 34), (124, 2, 40), (134, 38, 20), (130, 66, -22))
BORDER = ((36, -48, -45), (52, -40, -55), (68, -18, -68), (86, 12, -95), (100, 34, -95), (118, 52, -70))


def paint_pelvis(
    canvas: Canvas, parameters: PatientParameters, vertebrae: tuple[Vertebra, ...], grain: np.ndarray
) -> None:
    """Paints what the scan reaches of the pelvis."""
    l5 = vertebrae[-1]
    low, high = l5.centre - (160, 110, 170), l5.centre + (160, 90, 60)
    box = canvas.box(low, high)
    if is_empty(box):
        return
    wings = np.full([s.stop - s.start for s in box], 9, np.float32)
    sacrum = wings.copy()
    for side in (-1, 1):
        _stamp_wing(wings, box, canvas, l5.centre, side, parameters)
    _stamp_sacrum(sacrum, box, canvas, l5, parameters.size)
    s1 = _first_sacral(l5, parameters.size)
    first = np.maximum(*body_distances(s1.shape, *s1.local(canvas.coordinates(box))))
    canvas.mark(box, wings, Bone.HIP)
    canvas.mark(box, np.minimum(sacrum, first), Bone.SACRUM)
    paint_shell(canvas, box, np.minimum(wings, sacrum), 1.2, 800.0, 140.0, grain)
    paint_discs(canvas, (l5, s1))
    paint_shell(canvas, box, first, 1.2, 800.0, 150.0, grain)


def _stamp_wing(
    d: np.ndarray, box: Ranges, canvas: Canvas, centre: np.ndarray, side: int, p: PatientParameters
) -> None:
    scale = np.array([side * p.size * (1.03 if p.sex == "female" else 1.0), p.size, p.size])
    t = np.linspace(0, 1, 70)
    knots = np.linspace(0, 1, len(CREST))
    crest, border = (make_interp_spline(knots, np.array(c) * scale, k=3)(t) + centre for c in (CREST, BORDER))
    for n, (top, bottom) in enumerate(zip(crest, border)):
        bow = np.array([side * 5.0, 0, 0]) * np.sin(np.pi * t[n])
        middle = (top + bottom) / 2 - bow
        front = np.exp(-(((t[n] - 0.62) / 0.18) ** 2))
        back = np.exp(-(((t[n] - 0.05) / 0.15) ** 2))
        quarter = (top + middle) / 2
        stamp_tube(d, box, canvas, (top, quarter), (5.0, 3.6 + 3 * back))
        stamp_tube(d, box, canvas, (quarter, middle), (3.6 + 3 * back, 2.8 + 5 * back))
        stamp_tube(d, box, canvas, (middle, bottom), (2.8 + 5 * back, 5 + 9 * front + 3 * back))


def _first_sacral(l5: Vertebra, size: float) -> Vertebra:
    """The body of S1, which has an endplate as lumbar ones have, and leans back with the sacrum below it."""
    shape = replace(
        l5.shape,
        name="S1",
        width=S1_WIDTH * size,
        depth=l5.shape.depth * 0.92,
        height=S1_HEIGHT * size,
        lean=S1_LEAN,
        tilt=0.0,
        turn=0.0,
        wedge=5.0,
        waist=0.12,
        dents=(),
        fracture="",
    )
    return place_below(l5, shape)


def _stamp_sacrum(d: np.ndarray, box: Ranges, canvas: Canvas, l5: Vertebra, size: float) -> None:
    right = np.array([1.0, 0, 0])
    point = l5.to_ras(0, -2, -l5.shape.height / 2 - l5.shape.disc_below - 13 * size)
    lean, radius, wide = 40.0, 15.0 * size, 1.9
    for n in range(5):
        angle = np.deg2rad(lean)
        step = np.array([0, -np.sin(angle), -np.cos(angle)]) * 24 * size
        stamp_tube(d, box, canvas, (point, point + step), (radius, radius * 0.85), (right, wide))
        if n < 3:
            for side in (-1, 1):
                out = np.array([side * (44 - 7 * n), -16, -12]) * size
                stamp_tube(d, box, canvas, (point + (side * 14, 0, 0), point + out), (13 - 2 * n, 11 - 2 * n))
                crest = point + np.array([side * 3, -26 + 4 * n, 2]) * size
                stamp_tube(d, box, canvas, (crest, crest + (0, -6, -10)), (5, 4))
        point, lean, radius = point + step, lean - 12, radius * 0.84
