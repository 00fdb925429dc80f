"""Index ranges: the part of an array that something fills."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from OpportunisticBMDLib.core.grid import triple

Ranges = tuple[slice, slice, slice]


def extent(labels: np.ndarray) -> Ranges | None:
    """The smallest index ranges that hold every voxel that is not 0; None where all are 0."""
    plane = labels.max(axis=2)
    if not plane.any():
        return None
    first, second = _range(plane.any(axis=1)), _range(plane.any(axis=0))
    return first, second, _range(labels[first, second].any(axis=(0, 1)))


def grown(ranges: Ranges, size: Sequence[int], voxels: ArrayLike = 1) -> Ranges:
    """Index ranges with so many more voxels on every side, or along each axis, as far as an array of this size goes."""
    more = np.broadcast_to(voxels, len(ranges)).tolist()
    return triple(slice(max(0, r.start - n), min(end, r.stop + n)) for r, end, n in zip(ranges, size, more))


def _range(found: ArrayLike) -> slice:
    """From the first to the last that is true."""
    index = np.flatnonzero(found)
    return slice(int(index[0]), int(index[-1]) + 1)
