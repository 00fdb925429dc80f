"""The straight lines between HU and hydroxyapatite density, by tube voltage."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.result import Calibration

# kVp: HU per mg HA/cm3, and HU of bone-free marrow that is 45 % yellow; training/virtual/materials.py derives them
# from tube spectra and attenuation tables.
LINES = {
    80: (1.802, -34.7),
    90: (1.614, -29.0),
    100: (1.478, -25.0),
    110: (1.373, -21.8),
    120: (1.287, -19.3),
    130: (1.215, -17.2),
    140: (1.154, -15.3),
}
REFERENCE_KVP = 120.0
COMPUTED = "computed from tube spectra and attenuation tables; not measured on this scanner"
# Scanners of one voltage differ by up to 5 % in slope and 5 HU in offset, taken as uniform: SD is half width / sqrt(3).
SLOPE_SD = 0.05 / 3**0.5
OFFSET_SD_HU = 5.0 / 3**0.5


def line_for(kvp: float | None) -> Calibration:
    """The line at a tube voltage (kV), linear between the tabulated ones; that of 120 kVp where it is not known."""
    voltages = sorted(LINES)
    known = REFERENCE_KVP if kvp is None else float(np.clip(kvp, voltages[0], voltages[-1]))
    slope, intercept = (float(np.interp(known, voltages, [LINES[v][n] for v in voltages])) for n in range(2))
    return Calibration(
        name=f"{known:.0f} kVp",
        material="HA",
        slope_hu_per_mg_cm3=slope,
        intercept_hu=intercept,
        source=COMPUTED,
    )


def scanner_sd(line: Calibration, bmd_mg_cm3: float) -> float:
    """The SD (mg/cm3) that a density read from a line has because scanners differ; 0 for a scanner's own line."""
    if line.source != COMPUTED:
        return 0.0
    return float(np.hypot(SLOPE_SD * line.hu(bmd_mg_cm3), OFFSET_SD_HU) / line.slope_hu_per_mg_cm3)
