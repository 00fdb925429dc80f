"""Discs between the bodies, and gas in worn ones."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDTraining.virtual.canvas import Canvas, ellipsoid, is_empty, smooth_max
from OpportunisticBMDTraining.virtual.spine import Vertebra

GAS_HU = -750.0


def paint_discs(canvas: Canvas, vertebrae: tuple[Vertebra, ...]) -> None:
    """Discs fill what lies between two bodies; the bodies are painted over them."""
    for above, below in zip(vertebrae, vertebrae[1:]):
        centre = (above.to_ras(0, 0, -above.shape.height / 2) + below.to_ras(0, 0, below.shape.height / 2)) / 2
        disc = Vertebra(above.shape, centre, (above.axes + below.axes) / 2)
        deep = 5 + _deepest(above, below)
        box = canvas.box(centre - (35, 35, 11 + deep), centre + (35, 35, 11 + deep))
        if is_empty(box):
            continue
        x, y, z = disc.local(canvas.coordinates(box))
        a, b = above.shape.width / 2 * 1.0, above.shape.depth / 2 * 0.98
        radial = np.sqrt(x * x + y * y) * (1 - 1 / np.sqrt((x / a) ** 2 + (y / b) ** 2 + 1e-6))
        d = smooth_max(radial, np.abs(z) - np.float32(above.shape.disc_below / 2 + deep), 2.0)
        canvas.paint(box, d, 85.0)
        canvas.mark(box, d, Bone.DISC)
        if above.shape.vacuum:
            wide, deep = 0.8 * a * above.shape.vacuum, 0.8 * b * above.shape.vacuum
            canvas.paint(box, ellipsoid((x, y, z), (0.1 * a, 0.1 * b, 0), (wide, deep, 1.8)), GAS_HU)


def _deepest(above: Vertebra, below: Vertebra) -> float:
    """How deep the disc is let into dents of its endplates, mm."""
    depths = [d.depth for d in above.shape.dents if not d.above] + [d.depth for d in below.shape.dents if d.above]
    return max(depths, default=0)
