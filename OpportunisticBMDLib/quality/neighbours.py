"""Two vertebrae that differ more than neighbours do."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenMean, of_means

MOST_APART_MG_CM3 = 35.0  # three SDs of what L1 and L2 of one person differ by


@of_means.check(ReasonCode.VERTEBRAE_DIFFER)
def vertebrae_differ(seen: SeenMean) -> Iterator[Reason]:
    (first, one), (second, other) = seen.pair
    apart = abs(one.bmd_mg_cm3 - other.bmd_mg_cm3)
    if apart > MOST_APART_MG_CM3:
        message = f"{first} and {second} differ by {apart:.0f} mg/cm³: look for a fracture or sclerosis."
        yield Reason(ReasonCode.VERTEBRAE_DIFFER, "warning", message, figure=Figure(apart, MOST_APART_MG_CM3))
