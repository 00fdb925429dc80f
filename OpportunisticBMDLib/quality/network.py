"""A network that would read another density."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenMean, of_means

# Between reading and network. On virtual patients of both cohorts it is 0.4 +- 0.2 (SD) and at most 1.4: what is
# several times that, the network has not seen.
MOST_APART_MG_CM3 = 5.0


@of_means.check(ReasonCode.NETWORK_DIFFERS)
def network_differs(seen: SeenMean) -> Iterator[Reason]:
    for name, vertebra in seen.pair:
        difference = vertebra.network_bmd_mg_cm3 - vertebra.bmd_mg_cm3
        if abs(difference) > MOST_APART_MG_CM3:
            message = f"The network would read {name} {difference:+.0f} mg/cm³ apart: check its mask and region."
            figure = Figure(abs(difference), MOST_APART_MG_CM3)
            yield Reason(ReasonCode.NETWORK_DIFFERS, "warning", message, name, figure)
