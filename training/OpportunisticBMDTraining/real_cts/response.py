"""How a reading answers to bone mineral that was added: ideally one to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

GOAL, TOLERANCE = 1.0, 0.03


@dataclass(frozen=True)
class SlopeSpread:
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


def slope_of(added: ArrayLike, measured: ArrayLike) -> float:
    """Slope of the least-squares line of measured on added BMD; NaN with fewer than two that were measured.

    Args:
        added: (N,) mg/cm3.
        measured: (N,) mg/cm3; NaN where there was none.
    """
    x, y = np.asarray(added, float), np.asarray(measured, float)
    known = np.isfinite(y)
    if len(np.unique(x[known])) < 2:
        return float("nan")
    return float(np.polynomial.Polynomial.fit(x[known], y[known], 1).convert().coef[1])


def spread_of(slopes: Sequence[float]) -> SlopeSpread:
    """Of the slopes that are not NaN."""
    known = np.asarray(slopes, float)
    known = known[np.isfinite(known)]
    if not len(known):
        return SlopeSpread(0, 0, *(float("nan"),) * 4)
    sd = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
    reached = int((np.abs(known - GOAL) <= TOLERANCE).sum())
    return SlopeSpread(len(known), reached, float(known.mean()), sd, float(known.min()), float(known.max()))
