"""T12 in place of a lumbar vertebra."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenMean, of_means

# Lumbar thresholds and what corresponds to them in the lower thoracic spine, mg/cm3 (n = 751).
THORACIC = {80.0: 91.0, 120.0: 128.0}


@of_means.check(ReasonCode.T12_SUBSTITUTED)
def t12_substituted(seen: SeenMean) -> Iterator[Reason]:
    """By how much the category may move; a warning where it does."""
    names = [name for name, _ in seen.pair]
    if "T12" not in names:
        return
    missing = "L1" if "L2" in names else "L2"
    # One of two vertebrae is thoracic: the mean is too high by half of what T12 is.
    excess = [(THORACIC[limit] - limit) / 2 for limit in sorted(THORACIC)]
    lower = [limit <= seen.bmd_mg_cm3 < limit + more for limit, more in zip(seen.thresholds.in_ha, excess)]
    first, second = (f"{more:.1f}" for more in excess)
    message = (
        f"T12 replaces {missing} in the mean. Thoracic bodies read higher than lumbar ones (80 and 120 mg/cm³ are "
        f"about {THORACIC[80.0]:.0f} and {THORACIC[120.0]:.0f} there): this mean is about {first} mg/cm³ too high at "
        f"the threshold of osteoporosis, {second} at that of osteopenia"
    )
    message += " and may belong to the lower category." if any(lower) else "; the category is the same without that."
    yield Reason(ReasonCode.T12_SUBSTITUTED, "warning" if any(lower) else "info", message, missing)
