"""The trunk's walls and inner space on the coarse grid: what all soft organs are painted into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDTraining.virtual.canvas import Canvas, smooth_max
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.trunk import Trunk


@dataclass(frozen=True, eq=False)
class Cavity:
    """Inner space of the trunk.

    Args:
        canvas: the coarse canvas.
        inner: signed distance (mm) to the inner surface of the body wall, negative inside; canvas-shaped.
        diaphragm: height (mm) of the diaphragm above or below each voxel; canvas-shaped.
    """

    canvas: Canvas
    inner: np.ndarray
    diaphragm: np.ndarray

    @classmethod
    def of(cls, canvas: Canvas, parameters: PatientParameters, trunk: Trunk) -> Cavity:
        """On the canvas's own lattice."""
        p = canvas.coordinates(canvas.whole)
        inner = trunk.distance(p, -6.0)
        x0, y0 = spine_line(trunk, p[2])
        # The back muscles and the spine bulge into the ellipse of the rib cage from behind.
        u, v = (p[0] - x0) / np.float32(66), (p[1] - y0 + 48) / np.float32(37)
        inner = smooth_max(inner, np.float32(37) * (1 - np.sqrt(u * u + v * v)), 10.0)
        return cls(canvas, inner, _diaphragm(p, inner, parameters, trunk))

    def under_diaphragm(self, box: Ranges, gap: float) -> np.ndarray:
        """Signed distance (mm, roughly) to the space `gap` mm below the diaphragm."""
        return (self.canvas.coordinates(box)[2] - self.diaphragm[box] + np.float32(gap)) * np.float32(0.7)

    def over_diaphragm(self, box: Ranges, gap: float) -> np.ndarray:
        """Signed distance (mm, roughly) to the space `gap` mm above the diaphragm."""
        return (self.diaphragm[box] + np.float32(gap) - self.canvas.coordinates(box)[2]) * np.float32(0.7)


def spine_line(trunk: Trunk, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Right and front coordinate of the spine at heights z, shaped as z."""
    x = np.interp(z.ravel(), trunk.spine_z, trunk.spine_x).astype(np.float32).reshape(z.shape)
    return x, np.interp(z.ravel(), trunk.spine_z, trunk.spine_y).astype(np.float32).reshape(z.shape)


def _diaphragm(p: tuple, inner: np.ndarray, parameters: PatientParameters, trunk: Trunk) -> np.ndarray:
    """Flat domes that fall steeply close to the body wall, deepest behind; the left one lower."""
    size = parameters.size
    front = (p[1] - np.float32(trunk.centre(0.0)[1])) / np.float32(trunk.depth)
    fall = np.float32(size) * (82 - 40 * np.clip(front, -0.3, 1))
    middle = np.float32(14) * np.exp(-((p[0] / np.float32(28)) ** 2)) + np.float32(8) / (1 + np.exp(p[0] / 20))
    height = np.float32(parameters.body.dome * size) - middle
    return height - fall * np.exp(np.minimum(inner, 0) * np.float32(1 / (16 * size)))
