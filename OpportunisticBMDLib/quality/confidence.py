"""Masks of which the network is not sure."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

LEAST_CONFIDENCE = 0.75


@of_scans.check(ReasonCode.UNSURE_SEGMENTATION)
def unsure_segmentation(seen: SeenScan) -> Iterator[Reason]:
    for name, confidence in seen.segmentation.confidence.items():
        if confidence < LEAST_CONFIDENCE:
            message = f"The segmentation of {name} is unsure ({confidence:.0%}): check its mask."
            figure = Figure(100 * confidence, 100 * LEAST_CONFIDENCE)
            yield Reason(ReasonCode.UNSURE_SEGMENTATION, "warning", message, name, figure)
