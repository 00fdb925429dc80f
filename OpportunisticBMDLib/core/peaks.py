"""Peaks of a curve, as `scipy.signal.find_peaks` finds them, which takes longer to import than it is ever at work."""

from __future__ import annotations

import numpy as np


def peaks(values: np.ndarray, prominence: float, distance: float = 1.0) -> np.ndarray:
    """Where a curve is higher than on either side, in ascending order; the middle of what is level.

    Args:
        values: (N,), none of them NaN.
        prominence: how far a peak at least stands out from the higher of the valleys beside it.
        distance: of two peaks, in samples: where they lie closer, the lower one is left out.
    """
    last = np.flatnonzero(np.diff(values, append=np.inf))  # of each run of equal values
    first = np.concatenate(([0], last[:-1] + 1))
    rises = np.diff(values[first]) > 0
    tops = ((first + last) // 2)[1:-1][rises[:-1] & ~rises[1:]]
    apart: list[int] = []
    for top in sorted(tops.tolist(), key=lambda top: (values[top], top), reverse=True):
        if all(abs(top - higher) >= distance for higher in apart):
            apart.append(top)
    return np.array(sorted(top for top in apart if _prominence(values, top) >= prominence), int)


def _prominence(values: np.ndarray, top: int) -> float:
    """Of a peak: as far as to the next higher one on either side, or to the end."""
    higher = np.flatnonzero(values > values[top])
    before, after = higher[higher < top], higher[higher > top]
    left = values[(before[-1] if before.size else 0) : top].min()
    right = values[top : (after[0] if after.size else len(values))].min()
    return float(values[top] - max(left, right))
