"""The straight line from HU to mineral."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """The straight line HU = slope x BMD + intercept that densities are read from.

    Args:
        material: what the densities are of.
        slope_sd: how uncertain the slope is, relative to it; 0 for a line that was measured on the scanner.
        intercept_sd_hu: how uncertain the intercept is.
    """

    name: str
    material: str
    slope_hu_per_mg_cm3: float
    intercept_hu: float
    source: str
    slope_sd: float = 0.0
    intercept_sd_hu: float = 0.0

    def bmd(self, hu: Any) -> Any:
        """HU (a number or an array) -> mg/cm3."""
        return (hu - self.intercept_hu) / self.slope_hu_per_mg_cm3

    def hu(self, bmd: Any) -> Any:
        """mg/cm3 (a number or an array) -> HU."""
        return self.slope_hu_per_mg_cm3 * bmd + self.intercept_hu

    def sd(self, bmd_mg_cm3: float) -> float:
        """The SD (mg/cm3) that a density read from this line has because of the line."""
        return float(np.hypot(self.slope_sd * bmd_mg_cm3, self.intercept_sd_hu / self.slope_hu_per_mg_cm3))
