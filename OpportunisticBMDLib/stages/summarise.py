"""From the measured vertebrae to the one number: which two are averaged, and how far to trust the result."""

from __future__ import annotations

from collections.abc import Sequence

from OpportunisticBMDLib.core.errors import Refused
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.result import Status

LEAST = 2  # vertebrae of a mean
PREFERRED = (("L1", "L2"), ("T12", "L1"), ("T12", "L2"))


def chosen(measurable: Sequence[str]) -> tuple[str, str]:
    """L1 and L2; T12 replaces the one that cannot be measured (paper, section "QCT image post-processing").

    Raises:
        Refused: fewer than two are measurable.
    """
    for pair in PREFERRED:
        if set(pair) <= set(measurable):
            return pair
    message = "Fewer than two of T12, L1 and L2 can be measured in this scan, so no mean density can be given."
    raise Refused(ReasonCode.TOO_FEW_VERTEBRAE, message, Figure(len(measurable), LEAST))


def status(reasons: Sequence[Reason]) -> Status:
    """ "refused" with a refusal, "review" with a warning, else "measured"."""
    severities = {reason.severity for reason in reasons}
    if "refusal" in severities:
        return "refused"
    return "review" if "warning" in severities else "measured"
