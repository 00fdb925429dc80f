"""A vertebra without a mask."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenMask, of_masks


@of_masks.check(ReasonCode.NOT_FOUND)
def not_found(seen: SeenMask) -> Iterator[Reason]:
    if not seen.mask.any():
        message = f"{seen.vertebra} was not found; it may lie outside the scan."
        yield Reason(ReasonCode.NOT_FOUND, "warning", message, seen.vertebra)
