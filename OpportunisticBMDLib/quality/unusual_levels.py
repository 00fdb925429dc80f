"""More or fewer ribs or lumbar vertebrae than usual."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.levels import CONVENTION, Variant
from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

WORDS = {
    Variant.STUMP_RIBS: "L1 bears stump ribs of less than 4 cm",
    Variant.THIRTEEN_RIBS: "Only four vertebrae without ribs lie above the sacrum (13 pairs of ribs, or L5 joins it)",
    Variant.ELEVEN_RIBS: "Six vertebrae without ribs lie above the sacrum (11 pairs of ribs, or a sixth lumbar one)",
}


@of_scans.check(ReasonCode.UNUSUAL_LEVELS)
def unusual_levels(seen: SeenScan) -> Iterator[Reason]:
    if seen.levels is not None and (words := WORDS.get(seen.levels.variant)):
        yield Reason(ReasonCode.UNUSUAL_LEVELS, "info", f"{words}; named by the ribs: {CONVENTION}.")
