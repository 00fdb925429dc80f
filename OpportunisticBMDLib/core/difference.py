"""Which vertebrae differ between two label maps."""

from __future__ import annotations

from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume


def changed_vertebrae(before: Volume, after: Volume) -> frozenset[str]:
    """The vertebrae whose masks differ between two label maps of the same grid.

    Raises:
        ValueError: the grids differ.
    """
    if not before.grid.is_close(after.grid):
        raise ValueError(f"label maps of two grids, {before.grid.size} and {after.grid.size}, cannot be compared")
    filled = [ranges for ranges in (extent(before.array), extent(after.array)) if ranges is not None]
    if not filled:
        return frozenset()
    around = tuple(slice(min(r.start for r in axis), max(r.stop for r in axis)) for axis in zip(*filled))
    touched: set[int] = set()
    # Slice by slice, in the order in which voxels lie in memory: no copy of a whole scan is made.
    for was, now in zip(before.array[around].T, after.array[around].T):
        differs = was != now
        if differs.any():
            touched.update(was[differs].tolist(), now[differs].tolist())
    return frozenset(name for name in VERTEBRAE if LABELS[name] in touched)
