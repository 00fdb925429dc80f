"""What a run gives, and how it tells of its progress; free of torch, for programs that only show results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from OpportunisticBMDLib.result import Result, Segmentation

Progress = Callable[[str, float], None]  # the stage ("localize", "segment", "measure") and the done share, 0..1


@dataclass(frozen=True, eq=False)
class Run:
    """A result with the masks that it was measured on; None where the run was refused before there were any."""

    result: Result
    segmentation: Segmentation | None


def silent(stage: str, fraction: float) -> None:
    """A `Progress` that tells nobody."""
