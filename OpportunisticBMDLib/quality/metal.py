"""Metal or cement in a vertebra."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.damage import unlike_neighbours
from OpportunisticBMDLib.core.reading import METAL_HU
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenMask, of_masks

MOST_METAL = 0.005  # of a mask's voxels


@of_masks.check(ReasonCode.METAL)
def metal(seen: SeenMask) -> Iterator[Reason]:
    bright = seen.mask & (seen.ct.array > METAL_HU)
    if not bright.any():
        return
    bright &= ~unlike_neighbours(seen.ct.array, bright)  # a voxel that is bright all alone is damaged
    share = float(bright.sum() / seen.mask.sum())
    if share > MOST_METAL:
        message = f"{seen.vertebra} contains metal or cement."
        yield Reason(ReasonCode.METAL, "warning", message, seen.vertebra, Figure(100 * share, 100 * MOST_METAL))
