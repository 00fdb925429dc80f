"""Densities of the CTs that have something in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from OpportunisticBMDLib.core.noise import median_and_sd

UNKNOWN = "not known"
MOST_GROUPS = 12  # that are shown; the others are one
OTHERS = "all others"
LEAST_CTS = 20  # fewer do not tell what is usual
AGES = (18, 40, 50, 60, 70, 80, 200)  # years: where groups begin
AGE_NAMES = ("18 to 39", "40 to 49", "50 to 59", "60 to 69", "70 to 79", "80 and more")
LOW = ("osteoporosis", "osteopenia")


@dataclass(frozen=True)
class Group:
    """Densities in mg/cm3: their number, median, quartiles, what nine of ten lie between; and shares of categories."""

    name: str
    count: int
    median: float
    quartiles: tuple[float, float]
    ends: tuple[float, float]
    osteoporosis: float
    osteopenia: float

    @classmethod
    def of(cls, name: str, part: pd.DataFrame) -> Group:
        p5, p25, p50, p75, p95 = np.percentile(part["bmd_mg_cm3"], (5, 25, 50, 75, 95)).tolist()
        osteoporosis, osteopenia = (float((part["category"] == which).mean()) for which in LOW)
        return cls(name, len(part), p50, (p25, p75), (p5, p95), osteoporosis, osteopenia)


def with_density(frame: pd.DataFrame) -> pd.DataFrame:
    """The CTs with a density, each with its peers (of its age and sex) and by how much it lies above their median."""
    known = frame[frame["bmd_mg_cm3"].notna()].copy()
    ages = pd.cut(known["age_years"].astype(float), AGES, right=False, labels=list(AGE_NAMES))
    known["ages"] = ages.astype(object).where(ages.notna(), UNKNOWN)
    known["sex"] = known["sex"].fillna(UNKNOWN)
    known["peers"] = known["sex"] + ", " + known["ages"]
    known["above_peers"] = known["bmd_mg_cm3"] - known.groupby("peers")["bmd_mg_cm3"].transform("median")
    return known


def groups_by(known: pd.DataFrame, column: str) -> list[Group]:
    """The largest first; those that are too many become one."""
    values = known[column].map(_in_words)
    largest = values.value_counts().index[:MOST_GROUPS]
    values = values.where(values.isin(largest), OTHERS)
    found = [Group.of(str(name), part) for name, part in known.groupby(values)]
    return sorted(found, key=lambda group: (group.name == OTHERS, -group.count))


def peer_groups(known: pd.DataFrame) -> list[Group]:
    """Of each sex, by age."""
    return [Group.of(str(name), part) for name, part in known.groupby("peers")]


def robust_sd(values: pd.Series) -> float:
    """An SD that a few values far away do not change."""
    return float(median_and_sd(values.to_numpy())[1])


def _in_words(value: object) -> str:
    if value is None or value != value:
        return UNKNOWN
    return f"{value:g}" if isinstance(value, float) else str(value)
