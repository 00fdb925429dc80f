"""Masks that do not follow each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.core.segmentation import Segmentation, centres_of
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans


@of_scans.check(ReasonCode.WRONG_ORDER)
def wrong_order(seen: SeenScan) -> Iterator[Reason]:
    if do_not_follow(seen.centres_ras):
        message = "The masks of T12, L1 and L2 do not follow each other from head to foot."
        yield Reason(ReasonCode.WRONG_ORDER, "refusal", message)


def is_misordered(segmentation: Segmentation) -> bool:
    """Whether the masks that are there do not follow each other from head to foot."""
    return do_not_follow(centres_of(segmentation))


def do_not_follow(centres: Mapping[str, np.ndarray]) -> bool:
    """The same of their centres (RAS, mm)."""
    heights = [centres[name][2] for name in VERTEBRAE if name in centres]
    return heights != sorted(heights, reverse=True)
