"""Numbers as result.json has them: rounded, and null where there is none."""

from __future__ import annotations

import math
from collections.abc import Iterable


def rounded(value: float | None, digits: int) -> float | None:
    """None for what is missing or not finite."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits) + 0.0  # + 0.0 turns -0.0 into 0.0


def all_rounded(values: Iterable[float], digits: int) -> list[float | None]:
    return [rounded(value, digits) for value in values]
