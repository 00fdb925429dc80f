"""Masks on their CT, and the part of it that a measurement looks at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from OpportunisticBMDLib.core.ranges import Ranges, extent, grown
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume


@dataclass(frozen=True, eq=False)
class MaskedCT:
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
    def of(cls, ct: Volume, segmentation: Segmentation) -> MaskedCT:
        found = extent(segmentation.labels.array)
        corner = slice(0, 1), slice(0, 1), slice(0, 1)
        return cls(ct, segmentation, grown(found, ct.grid.size) if found else corner)

    @cached_property
    def part(self) -> tuple[Volume, Segmentation]:
        """CT and masks where the masks are."""
        labels = self.segmentation.labels.part(self.ranges)
        return self.ct.part(self.ranges), Segmentation(labels, self.segmentation.confidence)
