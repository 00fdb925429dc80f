"""Vertebrae that cannot be named for sure."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.levels import Levels
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

LEAST_SURE = 0.95


def is_sure(levels: Levels) -> bool:
    """Whether the names need no look: a reader gave them, or hardly any others are possible."""
    return bool(levels.moved) or levels.probability >= LEAST_SURE


def direction(shift: int) -> str:
    """Where T12 lies in another answer: "one vertebra lower", "2 vertebrae higher"."""
    count = "one vertebra" if abs(shift) == 1 else f"{abs(shift)} vertebrae"
    return f"{count} {'lower' if shift > 0 else 'higher'}"


@of_scans.check(ReasonCode.UNSURE_LEVELS)
def unsure_levels(seen: SeenScan) -> Iterator[Reason]:
    levels = seen.levels
    if levels is None or is_sure(levels):
        return
    message = f"Which vertebrae these are is not sure{_other(levels)}: check the levels by the ribs."
    yield Reason(
        ReasonCode.UNSURE_LEVELS, "warning", message, figure=Figure(100 * levels.probability, 100 * LEAST_SURE)
    )


def _other(levels: Levels) -> str:
    """The other likely answer in words."""
    others = [answer for answer in levels.answers if answer.shift]
    if not others:
        return ""
    return f"; T12 may lie {direction(others[0].shift)} ({100 * others[0].probability:.0f} %)"
