"""A mask without a body."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenRegion, of_regions


@of_regions.check(ReasonCode.NO_REGION)
def no_region(seen: SeenRegion) -> Iterator[Reason]:
    if seen.reading is None or not seen.reading.voxels:
        message = f"The mask of {seen.vertebra} holds no body that could be read."
        yield Reason(ReasonCode.NO_REGION, "warning", message, seen.vertebra)
