"""A patient who still grows: bodies have growth plates, and no threshold is meant for them."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.core.standing import ADULT_YEARS
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans


@of_scans.check(ReasonCode.CHILD)
def child(seen: SeenScan) -> Iterator[Reason]:
    age = seen.acquisition.age_years
    if age is not None and age < ADULT_YEARS:
        message = (
            "The patient is under 18 years by the header: thresholds and reference values are those of adults, and no "
            "child took part in the fits."
        )
        yield Reason(ReasonCode.CHILD, "refusal", message)
