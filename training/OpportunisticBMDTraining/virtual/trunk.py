"""The outline of the trunk: how wide and deep chest, abdomen and hips are at each height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.spine import Vertebra

HEIGHTS = (-280.0, -220.0, -150.0, -75.0, 0.0, 70.0, 140.0, 220.0)
DEPTHS = (0.98, 0.97, 0.95, 0.94, 0.97, 1.0, 0.99, 0.94)


@dataclass(frozen=True, eq=False)
class Trunk:
    """Semi-axes and centre of the rib cage's ellipse, and of what continues it below, over height (mm)."""

    width: float
    depth: float
    waist: float
    size: float
    fat: float
    wall: float
    spine_z: np.ndarray
    spine_y: np.ndarray
    spine_x: np.ndarray

    @classmethod
    def of(cls, parameters: PatientParameters, vertebrae: tuple[Vertebra, ...]) -> Trunk:
        """Of a patient whose spine is placed."""
        body, points = parameters.body, np.array([v.centre for v in vertebrae])[::-1]
        return cls(
            body.chest_width,
            body.chest_depth,
            body.waist,
            parameters.size,
            body.fat,
            body.wall,
            points[:, 2],
            points[:, 1],
            points[:, 0],
        )

    def axes(self, z: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Semi-axes to the side and to the front at heights z, mm; shaped as z."""
        heights = np.array(HEIGHTS) * self.size
        w = self.waist
        widths = (1.1, 1.1, (w + 1.08) / 2, w, (1 + w) / 2, 1.0, 0.98, 0.92)
        z = np.asarray(z)
        return self.width * np.interp(z, heights, widths), self.depth * np.interp(z, heights, DEPTHS)

    def centre(self, z: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Right and front coordinate of the ellipse's centre at heights z, mm; shaped as z."""
        x = 0.5 * np.interp(z, self.spine_z, self.spine_x)
        y = 0.8 * self.depth - 45 * self.size + 0.5 * np.interp(z, self.spine_z, self.spine_y)
        return x, y

    def back(self) -> float:
        """Front coordinate of the skin of the back, where it lies lowest (mm)."""
        z = np.linspace(-150, 150, 31)
        return float((self.centre(z)[1] - self.axes(z)[1]).min() - 0.75 * self.wall - self.fat - 2)

    def distance(self, p: Sequence[np.ndarray], grow: float, power: float = 2.3, fat_front: float = 0.0) -> np.ndarray:
        """Signed distance (mm) to the outline grown by `grow` mm, plus `fat_front` mm towards the front.

        Args:
            p: open grids of right, front and head coordinates, mm.
            power: 2 is an ellipse; the greater, the nearer to a rectangle.
        """
        z = p[2].ravel()
        a, b = (np.float32(1) * v[None, None, :].astype(np.float32) + np.float32(grow) for v in self.axes(z))
        cx, cy = (v[None, None, :].astype(np.float32) for v in self.centre(z))
        x, y = p[0] - cx, p[1] - cy
        b = b + np.where(y > 0, np.float32(fat_front), np.float32(0))
        f = (np.abs(x / a) ** np.float32(power) + np.abs(y / b) ** np.float32(power) + 1e-6) ** np.float32(1 / power)
        return np.sqrt(x * x + y * y) * (1 - 1 / f)
