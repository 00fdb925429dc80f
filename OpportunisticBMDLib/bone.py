"""The bone that was segmented and what lies around it: a small part of a CT, and all that a measurement looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.result import Segmentation
from OpportunisticBMDLib.vertebrae import LABELS
from OpportunisticBMDLib.volume import SMOOTHING_MARGIN, Volume

Ranges = tuple[slice, slice, slice]


def extent(labels: np.ndarray) -> Ranges | None:
    """The smallest index ranges that hold every voxel that is not 0; None where all are 0."""
    plane = labels.max(axis=2)
    if not plane.any():
        return None
    first, second = _range(plane.any(axis=1)), _range(plane.any(axis=0))
    return first, second, _range(labels[first, second].any(axis=(0, 1)))


def middle_ras(ranges: Ranges, grid: Grid) -> np.ndarray:
    """(3,) RAS mm: the middle of index ranges of a grid."""
    return grid.ras_of([(r.start + r.stop - 1) / 2 for r in ranges])


def grown(ranges: Ranges, size: Sequence[int], voxels: ArrayLike = 1) -> Ranges:
    """Index ranges with so many more voxels on every side, or along each axis, as far as an array of this size goes."""
    more = np.broadcast_to(voxels, len(ranges)).tolist()
    return tuple(slice(max(0, r.start - n), min(end, r.stop + n)) for r, end, n in zip(ranges, size, more))


@dataclass(frozen=True, eq=False)
class Bone:
    """Masks on their CT.

    Args:
        ct: HU, the whole scan.
        segmentation: on the same grid.
        ranges: of indices, the masks and, where the scan has them, one more voxel on every side: a mask touches the
            edge of this part only where it touches the edge of the scan. A corner of the scan where there is no mask.
    """

    ct: Volume
    segmentation: Segmentation
    ranges: Ranges

    @classmethod
    def of(cls, ct: Volume, segmentation: Segmentation) -> Bone:
        found = extent(segmentation.labels.array)
        corner = (slice(0, 1),) * 3
        return cls(ct, segmentation, grown(found, ct.grid.size) if found else corner)

    @property
    def part(self) -> tuple[Volume, Segmentation]:
        """CT and masks where the masks are."""
        return self._cut(self.ranges)

    def around(self, vertebra: str, crop: Mapping[str, Any]) -> tuple[Volume, Segmentation]:
        """CT and masks as far as a crop that is centred on a vertebra can depend on them.

        Which part this is follows from its own mask alone: so does, to the last bit, what is read from it.

        Args:
            crop: "size" in voxels and "spacing_mm", along right, front and head.
        """
        corner = [r.start for r in self.ranges]
        labels = self.segmentation.labels.array[self.ranges]
        found = extent(labels == LABELS[vertebra])
        if found is None:
            return self.part
        mask = tuple(slice(r.start + start, r.stop + start) for r, start in zip(found, corner))
        wanted = Grid.axis_aligned(crop["size"], crop["spacing_mm"], middle_ras(mask, self.ct.grid))
        reach = self.ct.grid.part_under(wanted, margin=SMOOTHING_MARGIN + 1)
        touched = grown(mask, self.ct.grid.size)
        return self._cut(tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(reach, touched)))

    def _cut(self, ranges: Ranges) -> tuple[Volume, Segmentation]:
        labels = self.segmentation.labels.part(ranges)
        return self.ct.part(ranges), Segmentation(labels, self.segmentation.confidence)


def _range(found: np.ndarray) -> slice:
    """From the first to the last that is true."""
    index = np.flatnonzero(found)
    return slice(int(index[0]), int(index[-1]) + 1)
