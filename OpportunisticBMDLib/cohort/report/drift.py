"""How scanners drift, by their patients: what a phantom would show at once shows in some hundreds of them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from OpportunisticBMDLib.cohort.report.groups import LEAST_CTS

LEAST_MONTHS = 6


@dataclass(frozen=True)
class Drift:
    """Of a scanner: by how much its patients read more from year to year, age and sex allowed for, with its SD."""

    scanner: str
    count: int
    months: int
    mg_cm3_a_year: float
    sd_mg_cm3_a_year: float


def drifts(known: pd.DataFrame) -> list[Drift]:
    """Of the scanners with enough CTs over enough months, by a straight line; those with most CTs first.

    Args:
        known: see `with_density`.
    """
    from scipy.stats import linregress

    found = []
    for scanner, part in known[known["month"].notna()].groupby("scanner"):
        years, months = _years(part["month"]), part["month"].nunique()
        if len(part) >= LEAST_CTS and months >= LEAST_MONTHS:
            line = linregress(years, part["above_peers"])
            found.append(Drift(str(scanner), len(part), months, float(line.slope), float(line.stderr)))
    return sorted(found, key=lambda drift: -drift.count)


def _years(months: pd.Series) -> pd.Series:
    """ "2026-07" as 2026.5."""
    return months.str[:4].astype(float) + (months.str[5:7].astype(float) - 1) / 12
