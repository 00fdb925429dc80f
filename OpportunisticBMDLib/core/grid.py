"""Voxel grids in patient space: the one place where index, RAS and LPS coordinates are converted.

Indices are (i, j, k), the order in which arrays are indexed. RAS millimetres grow towards the patient's right,
front and head, as in 3D Slicer; SimpleITK and DICOM speak LPS, which is RAS with the first two axes negated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TypeVar

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
Value = TypeVar("Value")


def triple(values: Iterable[Value]) -> tuple[Value, Value, Value]:
    """Three values as a tuple that says so.

    Raises:
        ValueError: more or fewer than three.
    """
    first, second, third = values
    return first, second, third


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular, possibly oblique, flipped or left-handed lattice of voxel centres.

    Args:
        size: number of voxels along i, j and k.
        affine: 4 x 4, from voxel index (i, j, k, 1) to (right, anterior, superior, 1) in mm.

    Raises:
        ValueError: a size below 1, or an affine that is not an invertible 4 x 4 matrix.
    """

    size: tuple[int, int, int]
    affine: np.ndarray

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=float)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
            raise ValueError(f"a grid needs an invertible 4 x 4 affine, got {affine.tolist()}")
        size = tuple(int(n) for n in self.size)
        if len(size) != 3 or min(size) < 1:
            raise ValueError(f"a grid needs three sizes of at least 1 voxel, got {self.size}")
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "size", size)

    @classmethod
    def axis_aligned(cls, size: ArrayLike, spacing: ArrayLike, centre_ras: ArrayLike = (0.0, 0.0, 0.0)) -> Grid:
        """A grid whose i, j, k run to the right, front and head, around a centre in RAS mm."""
        voxels, step = np.asarray(size), np.asarray(spacing, dtype=float)
        affine = np.diag([*step, 1.0])
        affine[:3, 3] = np.asarray(centre_ras) - step * (voxels - 1) / 2
        return cls(triple(voxels.tolist()), affine)

    @classmethod
    def of_sitk(cls, image: sitk.Image) -> Grid:
        """The grid of a 3D SimpleITK image (LPS)."""
        lps = np.eye(4)
        lps[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
        lps[:3, 3] = image.GetOrigin()
        return cls(triple(image.GetSize()), LPS_FROM_RAS @ lps)

    def stamp_on(self, image: sitk.Image) -> None:
        """Gives a SimpleITK image of this size its spacing, origin and direction (LPS)."""
        lps = LPS_FROM_RAS @ self.affine
        image.SetSpacing(self.spacing.tolist())
        image.SetOrigin(lps[:3, 3].tolist())
        image.SetDirection((lps[:3, :3] / self.spacing).ravel().tolist())

    @property
    def spacing(self) -> np.ndarray:
        """Distance between neighbouring voxels along i, j, k in mm."""
        spacing: np.ndarray = np.linalg.norm(self.affine[:3, :3], axis=0)
        return spacing

    @property
    def voxel_volume(self) -> float:
        """mm3."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def bounds_ras(self) -> np.ndarray:
        """(3, 2): least and greatest right, anterior and superior coordinate of the outer voxel faces, in mm."""
        corners = np.array(np.meshgrid(*((-0.5, n - 0.5) for n in self.size))).reshape(3, -1).T
        corners = self.ras_of(corners)
        return np.stack((corners.min(axis=0), corners.max(axis=0)), axis=1)

    def ras_of(self, index: ArrayLike) -> np.ndarray:
        """(..., 3) voxel indices -> (..., 3) RAS mm."""
        ras: np.ndarray = np.asarray(index) @ self.affine[:3, :3].T + self.affine[:3, 3]
        return ras

    def index_of(self, ras: ArrayLike) -> np.ndarray:
        """(..., 3) RAS mm -> (..., 3) voxel indices, not rounded."""
        index: np.ndarray = (np.asarray(ras) - self.affine[:3, 3]) @ np.linalg.inv(self.affine[:3, :3]).T
        return index

    def axis_towards(self, direction_ras: int) -> int:
        """The array axis (0-2) that runs most nearly along right-left (0), front-back (1) or head-foot (2)."""
        cosines = np.abs(self.affine[:3, :3] / self.spacing)
        return int(np.argmax(cosines[direction_ras]))

    @property
    def nearest_axes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """The array axes that run most nearly along right, front and head, each once; 1 towards it, -1 away from it."""
        cosines = self.affine[:3, :3] / self.spacing
        order = max(permutations(range(3)), key=lambda axes: sum(abs(cosines[n, axis]) for n, axis in enumerate(axes)))
        return triple(order), triple(1 if cosines[n, axis] >= 0 else -1 for n, axis in enumerate(order))

    def covering(self, spacing: ArrayLike) -> Grid:
        """The axis-aligned RAS grid of that spacing over this grid's whole extent."""
        bounds, step = self.bounds_ras, np.asarray(spacing, dtype=float)
        size = np.maximum(1, np.round((bounds[:, 1] - bounds[:, 0]) / step)).astype(int)
        return Grid.axis_aligned(size, step, bounds.mean(axis=1))

    def cropped(self, start: Sequence[int], size: Sequence[int]) -> Grid:
        """The sub-grid of `size` voxels that begins at index `start`; it may leave this grid."""
        affine = self.affine.copy()
        affine[:3, 3] = self.ras_of(np.asarray(start))
        return Grid(triple(size), affine)

    def part(self, ranges: tuple[slice, slice, slice]) -> Grid:
        """The voxels of these index ranges, whose ends are given."""
        return self.cropped([r.start for r in ranges], [r.stop - r.start for r in ranges])

    def part_under(self, other: Grid, margin: int = 0) -> tuple[slice, slice, slice]:
        """The index ranges of this grid that hold all of another one that lies within, and `margin` voxels around.

        Where the other grid reaches beyond this one the ranges end at its edge; they are never empty.
        """
        corners = np.array(np.meshgrid(*((-0.5, n - 0.5) for n in other.size))).reshape(3, -1).T
        index = self.index_of(other.ras_of(corners))
        last = np.array(self.size) - 1
        first = np.clip(np.floor(index.min(axis=0)) - margin, 0, last).astype(int)
        stop = np.clip(np.ceil(index.max(axis=0)) + margin, first, last).astype(int) + 1
        return triple(slice(int(a), int(b)) for a, b in zip(first, stop))

    def is_close(self, other: Grid, tolerance_mm: float = 1e-3) -> bool:
        """Whether both grids have the same size, and the same voxel centres within a tolerance."""
        if self.size != other.size:
            return False
        corners = np.array([[0, 0, 0], np.array(self.size) - 1, [self.size[0] - 1, 0, 0], [0, self.size[1] - 1, 0]])
        return bool(np.abs(self.ras_of(corners) - other.ras_of(corners)).max() <= tolerance_mm)
