"""Where a density is read: an elliptic cylinder in the middle of a vertebral body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.grid import Grid, triple
from OpportunisticBMDLib.core.ranges import Ranges

SLAB_MM = 9.0  # of the height of a body that is read
FINE_MM = 0.4  # voxels are divided into parts no larger than this to tell which share of them lies inside


@dataclass(frozen=True, eq=False)
class Region:
    """An elliptic cylinder in patient space.

    Args:
        centre_ras: (3,) mm.
        half_axes: (3, 3) mm, rows perpendicular to each other: from the centre to its right, its front and its top.

    Raises:
        ValueError: another shape, a half axis without length, or axes that are not perpendicular.
    """

    centre_ras: np.ndarray
    half_axes: np.ndarray

    def __post_init__(self) -> None:
        centre, axes = np.array(self.centre_ras, dtype=float), np.array(self.half_axes, dtype=float)
        if centre.shape != (3,) or axes.shape != (3, 3) or not np.isfinite(np.vstack((centre, axes))).all():
            raise ValueError(f"a region needs a centre and three half axes in mm, got {centre} and {axes.tolist()}")
        lengths = np.linalg.norm(axes, axis=1)
        if lengths.min() <= 0 or np.abs(axes @ axes.T - np.diag(lengths**2)).max() > 1e-2 * lengths.min() ** 2:
            raise ValueError(f"a region needs three perpendicular half axes, got {axes.tolist()}")
        for name, value in (("centre_ras", centre), ("half_axes", axes)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        """To the last bit."""
        if not isinstance(other, Region):
            return NotImplemented
        return all(np.array_equal(getattr(self, n), getattr(other, n)) for n in ("centre_ras", "half_axes"))

    def __hash__(self) -> int:
        return hash((self.centre_ras.tobytes(), self.half_axes.tobytes()))

    @property
    def half_mm(self) -> np.ndarray:
        """(3,) half width, half depth and half height, mm."""
        lengths: np.ndarray = np.linalg.norm(self.half_axes, axis=1)
        return lengths

    @property
    def volume_mm3(self) -> float:
        a, b, h = self.half_mm
        return float(2 * np.pi * a * b * h)

    def local(self, ras: np.ndarray) -> np.ndarray:
        """(..., 3) RAS mm -> (..., 3) of its own right, front and top, in half axes: -1..1 inside."""
        local: np.ndarray = (np.asarray(ras) - self.centre_ras) @ (self.half_axes / self.half_mm[:, None] ** 2).T
        return local

    def local_on(self, grid: Grid, *index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the points of a lattice lie: right, front and top as `local` has them, (I, J, K) each.

        Each is a sum of what i, j and k add to it, so that no list of all points is ever made.

        Args:
            index: of the grid, (I,) along i, (J,) along j and (K,) along k, whole or between voxels; of the whole grid
                where none is given.
        """
        i, j, k = np.ix_(*(index or map(np.arange, grid.size)))
        to_local = self.half_axes / self.half_mm[:, None] ** 2
        steps, start = to_local @ grid.affine[:3, :3], to_local @ (grid.affine[:3, 3] - self.centre_ras)
        right, front, top = ((a * i + d) + b * j + c * k for (a, b, c), d in zip(steps, start))
        return right, front, top

    def contains(self, ras: np.ndarray) -> np.ndarray:
        """(..., 3) RAS mm -> (...) bool."""
        x, y, z = np.moveaxis(self.local(ras), -1, 0)
        inside: np.ndarray = (x * x + y * y <= 1) & (np.abs(z) <= 1)
        return inside

    def points(self) -> np.ndarray:
        """(N, 3) RAS mm: some hundred points spread evenly over it."""
        local = np.mgrid[-1:1:9j, -1:1:9j, -1:1:5j].reshape(3, -1).T
        inside: np.ndarray = self.centre_ras + local[np.hypot(local[:, 0], local[:, 1]) <= 1] @ self.half_axes
        return inside

    def outline(self, height: float = 0.0, points: int = 72) -> np.ndarray:
        """(points, 3) RAS mm: its ellipse at a height of -1 (bottom) to 1 (top)."""
        angle = 2 * np.pi * np.arange(points) / points
        local = np.stack((np.cos(angle), np.sin(angle), np.full(points, height)), axis=1)
        line: np.ndarray = self.centre_ras + local @ self.half_axes
        return line

    def shares(self, grid: Grid) -> tuple[Ranges, np.ndarray]:
        """Which part of a grid it reaches, and which share of every voxel there lies inside.

        Returns:
            `ranges_on` the grid, and (I, J, K) float32 of 0..1. Outside the grid there is nothing.
        """
        ranges = self.ranges_on(grid)
        parts = np.ceil(grid.spacing / FINE_MM).astype(int)
        fine = [  # the middles of the parts, in voxels of the grid
            (np.arange((r.stop - r.start) * n) + 0.5) / n - 0.5 + r.start for r, n in zip(ranges, parts)
        ]
        x, y, z = self.local_on(grid, *fine)
        # Parts in layers along the slices would count as a whole or not at all: the slab's ends are a part thick.
        slab = np.clip(0.5 + (1 - np.abs(z)) * self.half_mm[2] / FINE_MM, 0, 1)
        inside = np.where(x * x + y * y <= 1, slab, 0).astype(np.float32)
        first, second, third = (r.stop - r.start for r in ranges)
        return ranges, inside.reshape(first, parts[0], second, parts[1], third, parts[2]).mean(axis=(1, 3, 5))

    def ranges_on(self, grid: Grid) -> Ranges:
        """Of indices: the part of a grid that it reaches, never empty."""
        corners = np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T
        index = grid.index_of(self.centre_ras + corners @ self.half_axes)
        last = np.array(grid.size) - 1
        first = np.clip(np.floor(index.min(axis=0) + 0.5), 0, last).astype(int)
        stop = np.clip(np.ceil(index.max(axis=0) - 0.5), first, last).astype(int) + 1
        return triple(slice(int(a), int(b)) for a, b in zip(first, stop))
