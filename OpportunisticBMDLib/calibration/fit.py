"""The straight line through what the inserts of a phantom show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.calibration.phantoms.phantom import Phantom
from OpportunisticBMDLib.core.materials import PER_HA

UNEVEN_SD_HU = 2.0  # by which two places of the same material differ in one scan: cupping, hardening, what lies beside
# What a phantom scanned apart from the patient leaves, by his size, the height of the table and the time between: SD of
# the difference to one in the same scan, relative, 111 clinical CTs (Dudle 2024, JBMR Plus 8(9)).
APART_SD = 0.035
MAKE_SD = 0.01  # of a phantom's densities, relative (ESP: Kalender 1995)


@dataclass(frozen=True, eq=False)
class Fit:
    """HU = slope x density of HA + intercept.

    Args:
        slope_hu_per_mg_cm3, intercept_hu: of the line.
        slope_sd: relative to the slope.
        residuals_mg_cm3: what the line reads of each insert, less its density; of HA.
    """

    slope_hu_per_mg_cm3: float
    intercept_hu: float
    slope_sd: float
    intercept_sd_hu: float
    residuals_mg_cm3: np.ndarray


def fitted(phantom: Phantom, hu: np.ndarray) -> Fit:
    """Least squares over the inserts, in the phantom's own material; the line is then brought to HA.

    Their scatter around the line tells how sure it is. Three inserts may lie on a line by chance, and two always do:
    what places of one material differ by is its least.

    Args:
        hu: mean of each insert.
    """
    density, shown = phantom.densities, hu - phantom.base_hu
    away = density - density.mean()
    slope = float(away @ shown / (away @ away))
    intercept = float(shown.mean() - slope * density.mean())
    misfit = shown - slope * density - intercept
    scatter = float(np.sqrt(misfit @ misfit / max(len(density) - 2, 1)))
    sd = max(scatter, UNEVEN_SD_HU)
    in_ha = PER_HA[phantom.material]
    own_slope = slope + phantom.water_slope
    return Fit(
        slope_hu_per_mg_cm3=own_slope * in_ha,
        intercept_hu=intercept,
        slope_sd=float(np.hypot(sd / np.sqrt(away @ away) / own_slope, MAKE_SD)),
        intercept_sd_hu=float(sd * np.sqrt(1 / len(density) + density.mean() ** 2 / (away @ away))),
        residuals_mg_cm3=misfit / (own_slope * in_ha),
    )
