"""Views that do not agree on which vertebrae these are."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

LEAST_SCORE = 0.5  # of a box: both views see it, and their heights differ by less than 12 mm


@of_scans.check(ReasonCode.UNSURE_LEVELS)
def unsure_levels(seen: SeenScan) -> Iterator[Reason]:
    if seen.box is not None and seen.box.score < LEAST_SCORE:
        message = "The front and the side view do not agree well on where T12 to L2 lie: check the levels by the ribs."
        yield Reason(ReasonCode.UNSURE_LEVELS, "warning", message, figure=Figure(seen.box.score, LEAST_SCORE))
