"""The straight line from HU to mineral."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

SLOPE_RANGE_HU_PER_MG_CM3 = (0.5, 3.0)  # of any scanner at any voltage
INTERCEPT_RANGE_HU = (-100.0, 100.0)
LineKind = Literal["voltage", "internal", "scanner", "phantom", "given"]


@dataclass(frozen=True)
class Calibration:
    """The straight line HU = slope x BMD + intercept that densities are read from.

    Args:
        material: what the densities are of.
        slope_sd: how uncertain the slope is, relative to it; 0 for a line that was measured on the scanner.
        intercept_sd_hu: how uncertain the intercept is.
        kind: where it comes from: computed for the tube voltage, from tissues of the patient, from a phantom that was
            scanned on this scanner before, from one in the same scan, or given by the user.
        measured_on: the day of the phantom's scan, "2026-05-12"; None where there was none, or the day is not known.
        moved_mg_cm3: by how much a density of 100 mg/cm3 has moved on the scanner between the last two scans of a
            phantom; None where there were no two.
    """

    name: str
    material: str
    slope_hu_per_mg_cm3: float
    intercept_hu: float
    source: str
    slope_sd: float = 0.0
    intercept_sd_hu: float = 0.0
    kind: LineKind = "voltage"
    measured_on: str | None = None
    moved_mg_cm3: float | None = None

    def bmd(self, hu: Any) -> Any:
        """HU (a number or an array) -> mg/cm3."""
        return (hu - self.intercept_hu) / self.slope_hu_per_mg_cm3

    def hu(self, bmd: Any) -> Any:
        """mg/cm3 (a number or an array) -> HU."""
        return self.slope_hu_per_mg_cm3 * bmd + self.intercept_hu

    def sd(self, bmd_mg_cm3: float) -> float:
        """The SD (mg/cm3) that a density read from this line has because of the line."""
        return float(np.hypot(self.slope_sd * bmd_mg_cm3, self.intercept_sd_hu / self.slope_hu_per_mg_cm3))
