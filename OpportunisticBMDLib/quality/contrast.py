"""A contrast agent in the marrow."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans


@of_scans.check(ReasonCode.CONTRAST_AGENT)
def contrast_agent(seen: SeenScan) -> Iterator[Reason]:
    if seen.acquisition.contrast_agent:
        message = "A contrast agent was given: the measured density is too high by a few percent or more."
        yield Reason(ReasonCode.CONTRAST_AGENT, "warning", message)
