"""Osteophytes at the edges of the bodies, and bridges of bone across the discs."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDTraining.virtual.canvas import Canvas, is_empty, stamp_tube
from OpportunisticBMDTraining.virtual.parameters import Spur
from OpportunisticBMDTraining.virtual.spine import Vertebra, paint_shell


def paint_spurs(canvas: Canvas, vertebrae: tuple[Vertebra, ...], grain: np.ndarray) -> None:
    """All spurs of a spine; the bodies are painted over their roots."""
    for above, below in zip(vertebrae, vertebrae[1:]):
        if not above.shape.spurs:
            continue
        middle = above.to_ras(0, 0, -above.shape.height / 2)
        box = canvas.box(middle - 48, middle + 48)
        if is_empty(box):
            continue
        d = np.full([s.stop - s.start for s in box], 9, np.float32)
        for spur in above.shape.spurs:
            _stamp(d, box, canvas, above, below, spur)
        paint_shell(canvas, box, d, 1.0, 820.0, 330.0, grain)


def _stamp(d: np.ndarray, box: Ranges, canvas: Canvas, above: Vertebra, below: Vertebra, spur: Spur) -> None:
    root, tip = _edge(above, spur, -1, -1.5), _edge(above, spur, -1, spur.length)
    gap = above.shape.disc_below
    if not spur.bridges:
        tip = tip - above.axes[2] * min(0.45 * spur.length, 0.45 * gap)
        return stamp_tube(d, box, canvas, (root, tip), (spur.radius, 0.35 * spur.radius))
    far = _edge(below, spur, 1, -1.5)
    bulge = (tip + _edge(below, spur, 1, spur.length)) / 2
    for ends in ((root, bulge), (bulge, far)):
        stamp_tube(d, box, canvas, ends, (spur.radius, spur.radius))
    return None


def _edge(vertebra: Vertebra, spur: Spur, up: int, beyond: float) -> np.ndarray:
    """A point beyond the upper (1) or lower (-1) edge of a body, in the spur's direction, RAS mm."""
    s, angle = vertebra.shape, np.deg2rad(spur.angle)
    x = np.sin(angle) * (s.width / 2 * (1 + s.lip) + beyond)
    y = np.cos(angle) * (s.depth / 2 * (1 + 0.6 * s.lip) + beyond)
    # A wedge is lower in front.
    half = s.height / 2 - y * np.tan(np.deg2rad(s.wedge) / 2) - 1.0
    return vertebra.to_ras(x, y, up * half)
