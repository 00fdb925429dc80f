"""How a reading answers to bone mineral that was added: ideally one to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GOAL, TOLERANCE = 1.0, 0.03


@dataclass(frozen=True)
class Spread:
    """Of the slopes of several CTs; all NaN without any, the SD also of a single one.

    Args:
        n: slopes that are known.
        reached: of these, how many are within `TOLERANCE` of `GOAL`.
    """

    n: int
    reached: int
    mean: float
    sd: float
    least: float
    most: float


def slope_of(added: Sequence[float], measured: Sequence[float]) -> float:
    """Slope of the least-squares line of measured on added BMD; NaN with fewer than two that were measured.

    Args:
        added: mg/cm3.
        measured: mg/cm3; NaN where there was none.
    """
    added, measured = np.asarray(added, float), np.asarray(measured, float)
    known = np.isfinite(measured)
    if len(np.unique(added[known])) < 2:
        return float("nan")
    return float(np.polynomial.Polynomial.fit(added[known], measured[known], 1).convert().coef[1])


def spread_of(slopes: Sequence[float]) -> Spread:
    known = np.asarray(slopes, float)
    known = known[np.isfinite(known)]
    if not len(known):
        return Spread(0, 0, *(float("nan"),) * 4)
    sd = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
    reached = int((np.abs(known - GOAL) <= TOLERANCE).sum())
    return Spread(len(known), reached, float(known.mean()), sd, float(known.min()), float(known.max()))
