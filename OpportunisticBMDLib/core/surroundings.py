"""What a scan tells of itself before any density is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.contrast import Contrast
from OpportunisticBMDLib.core.correction import Correction


@dataclass(frozen=True)
class Surroundings:
    """By what HU become a density.

    Args:
        line: the best at hand.
        contrast: what is seen and stated of an agent in the veins.
        correction: of readings on this line; None where none is due.
        tissues_hu: HU of "fat", "muscle" and "blood", of those that are seen; None where they were not looked for.
    """

    line: Calibration
    contrast: Contrast
    correction: Correction | None = None
    tissues_hu: Mapping[str, float] | None = None
