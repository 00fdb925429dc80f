"""Masks that do not follow each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans


@of_scans.check(ReasonCode.WRONG_ORDER)
def wrong_order(seen: SeenScan) -> Iterator[Reason]:
    if is_misordered(seen.segmentation):
        message = "The masks of T12, L1 and L2 do not follow each other from head to foot."
        yield Reason(ReasonCode.WRONG_ORDER, "refusal", message)


def is_misordered(segmentation: Segmentation) -> bool:
    """Whether the masks that are there do not follow each other from head to foot."""
    heights = []
    for number in LABELS.values():
        index = np.argwhere(segmentation.labels.array == number)
        if len(index):
            heights.append(segmentation.labels.grid.ras_of(index.mean(axis=0))[2])
    return heights != sorted(heights, reverse=True)
