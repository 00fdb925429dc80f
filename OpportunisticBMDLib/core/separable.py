"""Resampling between grids whose axes are parallel: along one axis after the other, by a small matrix each.

Averaging, interpolation and the edge of the scan are one weight for each pair of an old and a new voxel along an axis.
So the volume is never smoothed as a whole, and what leaves the first axis is already small: a scan becomes a coarse
one at the price of reading it once.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        matrix: (new, old) float32; its rows add up to 1.
        inside: (new,) bool: which of them the old grid reaches.
    """

    axis: int
    matrix: np.ndarray
    inside: np.ndarray


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

    Args:
        array: on the old one.
        outside: value of new voxels that the old grid does not reach.
    """
    slow, middle, fast = (int(axis) for axis in np.argsort([-abs(stride) for stride in array.strides], kind="stable"))
    by_axis = {one.axis: one.matrix for one in weights}
    rows = np.flatnonzero(by_axis[slow].any(axis=0))
    source = array.transpose(slow, middle, fast)[rows[0] : rows[-1] + 1]
    to_slow, to_middle, to_fast = by_axis[slow][:, rows[0] : rows[-1] + 1], by_axis[middle], by_axis[fast].T
    small = np.empty((len(source), len(to_middle), to_fast.shape[1]), np.float32)
    step = max(1, CHUNK_VALUES // max(1, source[0].size))
    for start in range(0, len(source), step):
        chunk = source[start : start + step].astype(np.float32)
        small[start : start + step] = to_middle @ (chunk @ to_fast)
    found = np.tensordot(to_slow, small, axes=1)
    order = [(slow, middle, fast).index(one.axis) for one in weights]
    result = found.transpose(order)
    for n, one in enumerate(weights):
        result[(slice(None),) * n + (~one.inside,)] = outside
    return result


def _weights(axis: int, old: Grid, places: np.ndarray, spacing: float) -> AxisWeights:
    """Of voxels at places (indices of the old grid) along an axis of it; beyond its ends its last voxels go on."""
    count = old.size[axis]
    low = np.floor(places)
    matrix = np.zeros((len(places), count), np.float32)
    offsets, shares = _kernel(spacing / old.spacing[axis], count)
    for neighbour, weight in ((low, 1 - (places - low)), (low + 1, places - low)):
        index = np.clip(np.clip(neighbour, 0, count - 1)[:, None] + offsets, 0, count - 1).astype(int)
        np.add.at(matrix, (np.arange(len(places))[:, None], index), weight[:, None] * shares)
    return AxisWeights(axis, matrix, (places >= -0.5) & (places <= count - 0.5))


def _kernel(coarser: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Offsets in voxels and their shares: a Gaussian, or the voxel itself."""
    if coarser <= LEAST_COARSER or count < LEAST_VOXELS:
        return np.zeros(1), np.ones(1)
    sd = SMOOTHING * coarser
    offsets = np.arange(-np.ceil(REACH_SD * sd), np.ceil(REACH_SD * sd) + 1)
    shares = np.exp(-((offsets / sd) ** 2) / 2)
    return offsets, shares / shares.sum()
