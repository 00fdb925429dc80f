"""From the measured vertebrae to the one number: which two are averaged, and what category they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from OpportunisticBMDLib.errors import Refused
from OpportunisticBMDLib.result import Reason, Status, VertebraMeasurement

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
    raise Refused("too_few_vertebrae", message)


def substitution(pair: Sequence[str]) -> list[Reason]:
    """Says so when T12 takes part in the mean."""
    if "T12" not in pair:
        return []
    missing = "L1" if "L2" in pair else "L2"
    return [Reason("t12_substituted", "info", f"T12 replaces {missing} in the mean.", missing)]


def disagreement(vertebrae: Mapping[str, VertebraMeasurement], pair: Sequence[str]) -> list[Reason]:
    """Warns when two averaged vertebrae differ by more than neighbours do, or the network differs from the HU line."""
    reasons = []
    first, second = (vertebrae[name].bmd_mg_cm3 for name in pair)
    if abs(first - second) > 40:
        message = (
            f"{pair[0]} and {pair[1]} differ by {abs(first - second):.0f} mg/cm3: look for a fracture or sclerosis."
        )
        reasons.append(Reason("vertebrae_differ", "warning", message))
    for name in pair:
        difference = vertebrae[name].bmd_mg_cm3 - vertebrae[name].hu_line_bmd_mg_cm3
        if abs(difference) > 30:
            message = f"The network and the HU line differ by {abs(difference):.0f} mg/cm3 in {name}: check its mask."
            reasons.append(Reason("line_differs", "warning", message, name))
    return reasons


def status(reasons: Sequence[Reason]) -> Status:
    """ "refused" with a refusal, "review" with a warning, else "measured"."""
    severities = {reason.severity for reason in reasons}
    if "refusal" in severities:
        return "refused"
    return "review" if "warning" in severities else "measured"
