"""From the measured vertebrae to the one number: which two are averaged, and what category they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from OpportunisticBMDLib.errors import Refused
from OpportunisticBMDLib.result import Reason, Status, Thresholds, VertebraMeasurement

# Lumbar thresholds and what corresponds to them in the lower thoracic spine, mg/cm3 (n = 751).
THORACIC = {80.0: 91.0, 120.0: 128.0}
MOST_APART_MG_CM3 = 15.0  # reading and network: more is for a person to look at
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


def substitution(pair: Sequence[str], bmd_mg_cm3: float, thresholds: Thresholds) -> list[Reason]:
    """Says so when T12 takes part in the mean, and by how much the category may move; a warning where it does.

    Args:
        bmd_mg_cm3: the mean.
    """
    if "T12" not in pair:
        return []
    missing = "L1" if "L2" in pair else "L2"
    # One of two vertebrae is thoracic: the mean is too high by half of what T12 is.
    excess = [(THORACIC[limit] - limit) / 2 for limit in sorted(THORACIC)]
    lower = [limit <= bmd_mg_cm3 < limit + more for limit, more in zip(thresholds.in_ha, excess)]
    first, second = (f"{more:.1f}" for more in excess)
    message = (
        f"T12 replaces {missing} in the mean. Thoracic bodies read higher than lumbar ones (80 and 120 mg/cm3 are "
        f"about {THORACIC[80.0]:.0f} and {THORACIC[120.0]:.0f} there): this mean is about {first} mg/cm3 too high at "
        f"the threshold of osteoporosis, {second} at that of osteopenia"
    )
    message += " and may belong to the lower category." if any(lower) else "; the category is the same without that."
    return [Reason("t12_substituted", "warning" if any(lower) else "info", message, missing)]


def disagreement(vertebrae: Mapping[str, VertebraMeasurement], pair: Sequence[str]) -> list[Reason]:
    """Warns when two averaged vertebrae differ more than neighbours do, or the network reads another density."""
    reasons = []
    first, second = (vertebrae[name].bmd_mg_cm3 for name in pair)
    if abs(first - second) > 40:
        message = (
            f"{pair[0]} and {pair[1]} differ by {abs(first - second):.0f} mg/cm3: look for a fracture or sclerosis."
        )
        reasons.append(Reason("vertebrae_differ", "warning", message))
    for name in pair:
        difference = vertebrae[name].network_bmd_mg_cm3 - vertebrae[name].bmd_mg_cm3
        if abs(difference) > MOST_APART_MG_CM3:
            message = f"The network would read {name} {difference:+.0f} mg/cm3 apart: check its mask and region."
            reasons.append(Reason("network_differs", "warning", message, name))
    return reasons


def status(reasons: Sequence[Reason]) -> Status:
    """ "refused" with a refusal, "review" with a warning, else "measured"."""
    severities = {reason.severity for reason in reasons}
    if "refusal" in severities:
        return "refused"
    return "review" if "warning" in severities else "measured"
