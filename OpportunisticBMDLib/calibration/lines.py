"""The straight lines between HU and the density that QCT reads at 120 kVp, by tube voltage.

At 120 kVp the line gives 0 mg/cm3 to 0 HU: zero is water, as the inserts of a phantom have it. At another voltage it
brings a scan to what 120 kVp would read: marrow without mineral, -15 mg/cm3 there if 45 % of it is yellow, stays -15.
"""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.materials import HA, HA_HU_PER_MG_CM3

# kVp: HU per mg HA/cm3 in water, and HU of bone-free marrow; the laboratory's virtual/materials.py derives them from
# tube spectra (30 cm of water, 7 mm of aluminium) and attenuation tables.
MINERAL = {
    80: (1.791, -34.7),
    90: (1.605, -29.0),
    100: (1.470, -25.0),
    110: (1.366, -21.8),
    120: (HA_HU_PER_MG_CM3, -19.3),
    130: (1.209, -17.2),
    140: (1.150, -15.3),
}
REFERENCE_KVP = 120.0
MARROW_MG_CM3 = MINERAL[120][1] / HA_HU_PER_MG_CM3  # what QCT reads of marrow without mineral
COMPUTED = "computed from tube spectra and attenuation tables; not measured on this scanner"
# What HU are multiplied by to be those of 120 kVp: a cohort of 16,747 readings of L1 (at 100 and 140 kVp; the rest lies
# on the straight line through them) supports less than the spectra do.
COHORT_FACTORS = {80: 0.854, 100: 0.927, 120: 1.0, 140: 1.053}
# Scanners of one voltage differ by up to 7 % in slope (a real phantom at hand does) and 5 HU in offset, taken as
# uniform: the SD is half the width / sqrt(3).
SLOPE_SD = 0.07 / 3**0.5
OFFSET_SD_HU = 5.0 / 3**0.5


def line_for(kvp: float | None) -> Calibration:
    """The line at a tube voltage (kV), linear between the tabulated ones; that of 120 kVp where it is not known."""
    voltages = sorted(MINERAL)
    known = REFERENCE_KVP if kvp is None else float(np.clip(kvp, voltages[0], voltages[-1]))
    slope, marrow = (float(np.interp(known, voltages, [MINERAL[v][n] for v in voltages])) for n in range(2))
    return Calibration(
        name=f"{known:.0f} kVp",
        material=HA,
        slope_hu_per_mg_cm3=slope,
        intercept_hu=marrow - slope * MARROW_MG_CM3,
        source=COMPUTED,
        slope_sd=float(np.hypot(SLOPE_SD, voltage_sd(known, slope))),
        intercept_sd_hu=OFFSET_SD_HU,
    )


def voltage_sd(kvp: float, slope_hu_per_mg_cm3: float) -> float:
    """The relative SD that a density has because spectra and the cohort disagree about the voltage; 0 at 120 kVp."""
    computed = HA_HU_PER_MG_CM3 / slope_hu_per_mg_cm3
    seen = np.interp(kvp, list(COHORT_FACTORS), list(COHORT_FACTORS.values()))
    return float(abs(seen / computed - 1) / 3**0.5)
