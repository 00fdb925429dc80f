"""The calibration line of a virtual scanner, as a phantom in it would give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.calibration_line import Calibration

# What a phantom's scan leaves open: its fit (1.8 % and 2.4 HU of an ESP, `calibration.fit`), and another day on the
# same scanner (0.0 +- 1.4 %: Skornitzke 2022, Sci Rep 12).
SLOPE_SD = float(np.hypot(0.018, 0.014))
OFFSET_SD_HU = 2.4


def scanner_line(kvp: float, slope: float, offset_hu: float) -> Calibration:
    """The line of a tube voltage as a scanner shows it that turns each HU into HU x slope + offset."""
    line = line_for(kvp)
    return Calibration(
        name=f"{line.name}, this scanner",
        material=line.material,
        slope_hu_per_mg_cm3=line.slope_hu_per_mg_cm3 * slope,
        intercept_hu=line.intercept_hu * slope + offset_hu,
        source="the virtual scanner's own slope and offset",
    )


def line_on_file(own: Calibration, seed: int) -> Calibration:
    """A scanner's line as a phantom measured it on another day: off by as much as it says that it may be.

    Args:
        own: the line that is true of the scan.
        seed: of the patient; the errors are drawn from a stream of their own.
    """
    slope, offset = np.random.default_rng([seed, 23]).normal(0, 1, 2)
    return replace(
        own,
        slope_hu_per_mg_cm3=float(own.slope_hu_per_mg_cm3 * (1 + SLOPE_SD * slope)),
        intercept_hu=float(own.intercept_hu + OFFSET_SD_HU * offset),
        slope_sd=SLOPE_SD,
        intercept_sd_hu=OFFSET_SD_HU,
        kind="scanner",
    )
