"""A contrast agent in the marrow."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans


@of_scans.check(ReasonCode.CONTRAST_AGENT, ReasonCode.CONTRAST_LIKELY, ReasonCode.ORAL_CONTRAST)
def contrast_agent(seen: SeenScan) -> Iterator[Reason]:
    known = seen.acquisition
    if known.contrast_in_veins:
        message = "A contrast agent was given: the measured density is too high by a few percent or more."
        yield Reason(ReasonCode.CONTRAST_AGENT, "warning", message)
    elif known.contrast_hint is not None:
        message = f"A contrast agent may have been given ({known.contrast_hint}): the density may be too high."
        yield Reason(ReasonCode.CONTRAST_LIKELY, "warning", message)
    elif known.contrast_agent:
        message = "The contrast agent was swallowed or given by rectum only: it does not reach the bone."
        yield Reason(ReasonCode.ORAL_CONTRAST, "info", message)
