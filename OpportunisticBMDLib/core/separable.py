"""Resampling between grids whose axes are parallel: along one axis after the other.

Averaging, interpolation and the edge of the scan are one weight for each pair of an old and a new voxel along an axis.
So the volume is never smoothed as a whole, and what leaves the first axis is already small: a scan becomes a coarse
one at the price of reading it once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from OpportunisticBMDLib.core.grid import Grid

MOST_ASKEW = 1e-3  # voxels of the old grid, over all of the new one: less is rounding in a file's header
LEAST_COARSER = 1.3  # times the spacing: from there on it is averaged first, so that noise and edges do not alias
SMOOTHING = 0.35  # SD of the Gaussian that averages, relative to the new spacing
LEAST_VOXELS = 4  # along an axis that is averaged
REACH_SD = 4.0  # where a Gaussian ends
CHUNK_VALUES = 2**22  # of the old volume at a time, as float32


@dataclass(frozen=True, eq=False)
class AxisWeights:
    """How the voxels along an axis of the new grid are made of those along one of the old grid.

    Args:
        axis: of the old grid.
        count: voxels along it.
        index: (new, n) int: the old voxels that count for each new one; one may occur several times.
        shares: (new, n) float32: by how much; they add up to 1.
        inside: (new,) bool: which of the new ones the old grid reaches.
    """

    axis: int
    count: int
    index: np.ndarray
    shares: np.ndarray
    inside: np.ndarray

    @property
    def shrinks(self) -> bool:
        return len(self.index) < self.count

    def cropped(self, first: int, stop: int) -> AxisWeights:
        """For old voxels that begin with another one."""
        return AxisWeights(self.axis, stop - first, self.index - first, self.shares, self.inside)

    def along(self, values: np.ndarray, axis: int) -> np.ndarray:
        """Values with the new voxels in place of the old ones along an axis of theirs."""
        if self.index.shape[1] == 2:
            shape = [1] * values.ndim
            shape[axis] = -1
            low, high = (share.reshape(shape) for share in self.shares.T)
            return np.asarray(values.take(self.index[:, 0], axis) * low + values.take(self.index[:, 1], axis) * high)
        if axis == values.ndim - 1:
            return np.asarray(values @ self._matrix.T)
        return np.moveaxis(np.tensordot(self._matrix, values, axes=(1, axis)), 0, axis)

    @cached_property
    def _matrix(self) -> np.ndarray:
        """(new, old) float32: made once, for all chunks of a volume."""
        matrix = np.zeros((len(self.index), self.count), np.float32)
        np.add.at(matrix, (np.arange(len(matrix))[:, None], self.index), self.shares)
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


def applied(array: np.ndarray, weights: tuple[AxisWeights, AxisWeights, AxisWeights], outside: float) -> np.ndarray:
    """(I, J, K) float32 on the new grid.

    What makes the volume smaller comes first, in chunks along the axis whose voxels lie farthest apart in memory.

    Args:
        array: on the old one.
        outside: value of new voxels that the old grid does not reach.
    """
    order = [int(axis) for axis in np.argsort([-abs(stride) for stride in array.strides], kind="stable")]
    slow, middle, fast = (next(one for one in weights if one.axis == axis) for axis in order)
    first, stop = int(slow.index.min()), int(slow.index.max()) + 1
    source = array.transpose(order)[first:stop]
    across = [(middle, 1), (fast, 2)]
    step = max(1, CHUNK_VALUES // source[0].size)
    chunks = (source[start : start + step].astype(np.float32) for start in range(0, len(source), step))
    small = np.concatenate([_along(chunk, [a for a in across if a[0].shrinks]) for chunk in chunks])
    found = slow.cropped(first, stop).along(small, 0)
    found = _along(found, [a for a in across if not a[0].shrinks])
    new: np.ndarray = found.transpose([order.index(one.axis) for one in weights])
    for n, one in enumerate(weights):
        new[(slice(None),) * n + (~one.inside,)] = outside
    return new


def _along(values: np.ndarray, axes: Iterable[tuple[AxisWeights, int]]) -> np.ndarray:
    for weights, axis in axes:
        values = weights.along(values, axis)
    return values


def _weights(axis: int, old: Grid, places: np.ndarray, spacing: float) -> AxisWeights:
    """Of voxels at places (indices of the old grid) along an axis of it; beyond its ends its last voxels go on."""
    count = old.size[axis]
    low = np.floor(places)
    offsets, kernel = _kernel(spacing / old.spacing[axis], count)
    ends = (np.clip(low, 0, count - 1), np.clip(low + 1, 0, count - 1))
    index = np.concatenate([np.clip(end[:, None] + offsets, 0, count - 1) for end in ends], axis=1)
    shares = np.concatenate([weight[:, None] * kernel for weight in (1 - (places - low), places - low)], axis=1)
    inside = (places >= -0.5) & (places <= count - 0.5)
    return AxisWeights(axis, count, index.astype(int), shares.astype(np.float32), inside)


def _kernel(coarser: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Offsets in voxels and their shares: a Gaussian, or the voxel itself."""
    if coarser <= LEAST_COARSER or count < LEAST_VOXELS:
        return np.zeros(1), np.ones(1)
    sd = SMOOTHING * coarser
    offsets = np.arange(-np.ceil(REACH_SD * sd), np.ceil(REACH_SD * sd) + 1)
    shares = np.exp(-((offsets / sd) ** 2) / 2)
    return offsets, shares / shares.sum()
