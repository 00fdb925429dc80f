"""A campaign in numbers that a budget is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.sizing.campaign import Campaign, Line
from OpportunisticBMDTraining.sizing.times import Times

HOUR_S, DAY_S = 3600.0, 86400.0
BUSY = 0.95  # from this share on the line holds a campaign up
HEADER = (
    "workers",
    "days",
    "CTs an hour",
    "core hours",
    "cost",
    "cost of a CT",
    "cores measuring",
    "line in use",
    "attempts lost",
    "held up by",
)


@dataclass(frozen=True)
class Prices:
    """
    Args:
        core_hour: of a core that is held for an hour, in any currency.
        result_mb: megabytes that the results of a CT take.
    """

    core_hour: float
    result_mb: float


def table(campaigns: Sequence[Campaign], prices: Prices) -> str:
    """In Markdown, a row for each."""
    return markdown(HEADER, [_row(campaign, prices) for campaign in campaigns])


def _row(campaign: Campaign, prices: Prices) -> list[str]:
    core_hours = campaign.core_s / HOUR_S
    cost = core_hours * prices.core_hour
    return [
        f"{campaign.workers:,}",
        f"{campaign.wall_s / DAY_S:.1f}",
        f"{campaign.cts / (campaign.wall_s / HOUR_S):,.0f}",
        f"{core_hours:,.0f}",
        f"{cost:,.2f}",
        f"{cost / campaign.cts:.6f}",
        f"{campaign.measuring_share:.0%}",
        f"{campaign.line_share:.0%}",
        f"{campaign.repeated:,}",
        "the line" if campaign.line_share > BUSY else "cores",
    ]


def assumptions(times: Times, line: Line, prices: Prices, cts: int) -> str:
    """What the table stands on, in sentences."""
    return (
        f"A CT takes {times.mean_s:.2f} s on one core (SD {times.sd_s:.2f} s), {times.origin}. "
        f"For each, {line.ct_mb:g} MB cross a line of {line.gbit_s:g} Gbit/s; "
        f"from {line.enough_workers(times.mean_s):,.0f} workers on, more are no faster. "
        f"The results take {cts * prices.result_mb / 1e6:,.2f} TB. A core costs {prices.core_hour:g} an hour."
    )
