"""Iterative and learnt reconstructions: less noise, another texture, nearly the same mean."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans


@of_scans.check(ReasonCode.RECONSTRUCTION)
def reconstruction(seen: SeenScan) -> Iterator[Reason]:
    if seen.acquisition.reconstruction is not None:
        message = (
            f"The image was reconstructed iteratively or by a network ({seen.acquisition.reconstruction}): the mean "
            "hardly changes by that; compare follow-ups with the same reconstruction."
        )
        yield Reason(ReasonCode.RECONSTRUCTION, "info", message)
