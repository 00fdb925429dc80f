"""What a run of the chain gives."""

from __future__ import annotations

from dataclasses import dataclass

from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation


@dataclass(frozen=True, eq=False)
class Run:
    """A result with the masks that it was measured on; None where the run was refused before there were any."""

    result: Result
    segmentation: Segmentation | None
