"""Resampling between grids whose axes are parallel: along one axis after the other.

Averaging, interpolation and the edge of the scan are one weight for each pair of an old and a new voxel along an axis.
So the volume is never smoothed as a whole: a scan becomes a coarse one at the price of reading it once, a few slices
at a time, on all cores.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.system.processes import usable_cores

MOST_ASKEW = 1e-3  # voxels of the old grid, over all of the new one: less is rounding in a file's header
LEAST_COARSER = 1.3  # times the spacing: from there on it is averaged first, so that noise and edges do not alias
SMOOTHING = 0.35  # SD of the Gaussian that averages, relative to the new spacing
LEAST_VOXELS = 4  # along an axis that is averaged
REACH_SD = 4.0  # where a Gaussian ends
GROUP = 8  # new voxels along an axis at a time
CHUNK_VALUES = 2**20  # of the finer volume at a time: what a core's cache holds


@dataclass(frozen=True, eq=False)
class AxisWeights:
    """How the voxels along an axis of the new grid are made of those along one of the old grid.

    Args:
        axis: of the old grid.
        count: voxels along it.
        first: (new,) int: the first old voxel that counts for each new one.
        shares: (new, n) float32: by how much it and those that follow count; they add up to 1.
        inside: (new,) bool: which of the new ones the old grid reaches.
    """

    axis: int
    count: int
    first: np.ndarray
    shares: np.ndarray
    inside: np.ndarray

    @property
    def growth(self) -> float:
        """New voxels for each old one."""
        return len(self.first) / self.count

    def part(self, first: int, stop: int) -> tuple[AxisWeights, slice]:
        """Of these new voxels alone, and of the old ones that count for them; which ones these are."""
        new = slice(first, stop)
        old = slice(int(self.first[new].min()), int(self.first[new].max()) + self.shares.shape[1])
        count, begin = old.stop - old.start, self.first[new] - old.start
        return AxisWeights(self.axis, count, begin, self.shares[new], self.inside[new]), old

    def along(self, values: np.ndarray, axis: int) -> np.ndarray:
        """Values with the new voxels in place of the old ones along an axis of theirs.

        A few new voxels at a time: most shares in a matrix of all would be 0, and a product as small as this stays on
        one core, while others have the next chunk.
        """
        shape = (*values.shape[:axis], len(self.first), *values.shape[axis + 1 :])
        new = np.empty(shape, np.float32)
        is_last = axis == values.ndim - 1  # as rows of a matrix, else as its columns: neither is copied
        rows, found = (array if is_last else np.moveaxis(array, axis, -2) for array in (values, new))
        for first in range(0, len(self.first), GROUP):
            part, old = self.part(first, first + GROUP)
            if is_last:
                np.matmul(rows[..., old], part._matrix.T, out=found[..., first : first + GROUP])
            else:
                np.matmul(part._matrix, rows[..., old, :], out=found[..., first : first + GROUP, :])
        return new

    @property
    def _matrix(self) -> np.ndarray:
        """(new, old) float32."""
        matrix = np.zeros((len(self.first), self.count), np.float32)
        for row, first, shares in zip(matrix, self.first.tolist(), self.shares, strict=True):
            row[first : first + len(shares)] = shares
        return matrix


def parallel_weights(old: Grid, new: Grid) -> tuple[AxisWeights, AxisWeights, AxisWeights] | None:
    """For each axis of the new grid; None where an axis of one runs askew to those of the other."""
    index = np.linalg.inv(old.affine) @ new.affine  # of the old grid, from that of the new one
    axes = np.abs(index[:3, :3] * new.size).argmax(axis=0)
    askew = np.abs(index[:3, :3]) * new.size
    askew[axes, range(3)] = 0.0
    if sorted(axes) != [0, 1, 2] or askew.max() > MOST_ASKEW:
        return None
    first, second, third = (
        _weights(int(axis), old, index[axis, 3] + index[axis, n] * np.arange(new.size[n]), new.spacing[n])
        for n, axis in enumerate(axes)
    )
    return first, second, third


def averaging_weights(grid: Grid, spacing_mm: np.ndarray) -> tuple[AxisWeights, AxisWeights, AxisWeights]:
    """For each axis of a grid that stays: what averages over voxels that are larger, (3,) mm."""
    first, second, third = (_weights(axis, grid, np.arange(grid.size[axis]), spacing_mm[axis]) for axis in range(3))
    return first, second, third


def applied(array: np.ndarray, weights: tuple[AxisWeights, AxisWeights, AxisWeights], outside: float) -> np.ndarray:
    """(I, J, K) float32 on the new grid.

    In chunks along the axis whose voxels lie farthest apart in memory; in each, what makes it smaller comes first.

    Args:
        array: on the old one.
        outside: value of new voxels that the old grid does not reach.
    """
    order = [int(axis) for axis in np.argsort([-abs(stride) for stride in array.strides], kind="stable")]
    axes = [next(one for one in weights if one.axis == axis) for axis in order]
    source = array.transpose(order)
    found = np.empty([len(one.first) for one in axes], np.float32)
    step = max(1, CHUNK_VALUES // max(source[0].size, found[0].size))

    def fill(first: int) -> None:
        slow, old = axes[0].part(first, first + step)
        chunk = source[old].astype(np.float32)
        for one, axis in sorted(zip([slow, *axes[1:]], range(3)), key=lambda pair: pair[0].growth):
            chunk = one.along(chunk, axis)
        found[first : first + step] = chunk

    with ThreadPoolExecutor(usable_cores()) as cores:
        list(cores.map(fill, range(0, len(found), step)))
    new: np.ndarray = found.transpose([order.index(one.axis) for one in weights])
    for n, one in enumerate(weights):
        new[(slice(None),) * n + (~one.inside,)] = outside
    return new


def _weights(axis: int, old: Grid, places: np.ndarray, spacing: float) -> AxisWeights:
    """Of voxels at places (indices of the old grid) along an axis of it; beyond its ends its last voxels go on."""
    count = old.size[axis]
    low = np.floor(places)
    offsets, kernel = _kernel(spacing / old.spacing[axis], count)
    ends = (np.clip(low, 0, count - 1), np.clip(low + 1, 0, count - 1))
    index = np.concatenate([np.clip(end[:, None] + offsets, 0, count - 1) for end in ends], axis=1).astype(int)
    weights = np.concatenate([weight[:, None] * kernel for weight in (1 - (places - low), places - low)], axis=1)
    most = min(len(offsets) + 1, count)
    first = np.minimum(index.min(axis=1), count - most)
    shares = np.zeros((len(places), most))
    np.add.at(shares, (np.arange(len(places))[:, None], index - first[:, None]), weights)
    inside = (places >= -0.5) & (places <= count - 0.5)
    return AxisWeights(axis, count, first, shares.astype(np.float32), inside)


def _kernel(coarser: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Offsets in voxels and their shares: a Gaussian, or the voxel itself."""
    if coarser <= LEAST_COARSER or count < LEAST_VOXELS:
        return np.zeros(1), np.ones(1)
    sd = SMOOTHING * coarser
    offsets = np.arange(-np.ceil(REACH_SD * sd), np.ceil(REACH_SD * sd) + 1)
    shares = np.exp(-((offsets / sd) ** 2) / 2)
    return offsets, shares / shares.sum()
