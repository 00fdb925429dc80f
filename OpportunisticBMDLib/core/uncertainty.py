"""How sure a density is, and what makes it unsure."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

CAUSES = ("network", "noise", "mask", "calibration", "correction")


@dataclass(frozen=True)
class Uncertainty:
    """Of the mean: SDs in mg/cm3 of HA by their cause, and what they come to.

    Args:
        network: of what thick slices, kernels and inexact masks do to a reading, by the network's spread.
        noise: of the mean HU of the region.
        mask: of where the region lies.
        calibration: of the line.
        correction: of what is left of a contrast agent.
        interval_mg_cm3: the true density lies between these in 95 of 100 patients.
    """

    network: float
    noise: float
    mask: float
    calibration: float
    correction: float
    interval_mg_cm3: tuple[float, float]

    @property
    def parts(self) -> dict[str, float]:
        """Cause -> SD; their squares add up to that of `sd`."""
        return {cause: getattr(self, cause) for cause in CAUSES}

    @property
    def sd(self) -> float:
        """Of all causes together."""
        return hypot(*self.parts.values())

    @property
    def half_mg_cm3(self) -> float:
        """Half the width of the interval."""
        return (self.interval_mg_cm3[1] - self.interval_mg_cm3[0]) / 2

    def half_on_line_mg_cm3(self, line_sd_mg_cm3: float) -> float:
        """The same on a line that is this unsure."""
        then = hypot(*(self.parts | {"calibration": line_sd_mg_cm3}).values())
        return self.half_mg_cm3 * then / self.sd if self.sd else 0.0
