"""The straight lines between HU and the density that QCT reads at 120 kVp, by tube voltage.

At 120 kVp the line gives 0 mg/cm3 to 0 HU: zero is water, as the inserts of a phantom have it. At another voltage it
brings a scan to what 120 kVp would read: marrow without mineral, -15 mg/cm3 there if 45 % of it is yellow, stays -15.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import Acquisition, ImageKind
from OpportunisticBMDLib.core.materials import HA, HA_HU_PER_MG_CM3
from OpportunisticBMDLib.core.tube_voltage import possible_voltage

# kVp: HU per mg HA/cm3 in water, and HU of bone-free marrow; the laboratory's virtual/materials.py derives them from
# tube spectra (30 cm of water, 7 mm of aluminium) and attenuation tables.
MINERAL = {
    70: (2.071, -43.2),
    80: (1.791, -34.7),
    90: (1.605, -29.0),
    100: (1.470, -25.0),
    110: (1.366, -21.8),
    120: (HA_HU_PER_MG_CM3, -19.3),
    130: (1.209, -17.2),
    140: (1.150, -15.3),
    150: (1.098, -13.8),
}
# keV: the same for virtual monoenergetic images, from the attenuation tables alone. Further from 120 kVp an error of
# the scanner's decomposition would weigh more than what is measured.
MONOENERGETIC = {
    65: (1.460, -24.7),
    70: (1.307, -20.1),
    75: (1.187, -16.5),
    80: (1.093, -13.6),
}
REFERENCE_KVP = 120.0
MARROW_MG_CM3 = MINERAL[120][1] / HA_HU_PER_MG_CM3  # what QCT reads of marrow without mineral
COMPUTED = "computed from tube spectra and attenuation tables; not measured on this scanner"
COMPUTED_AT_ENERGY = "computed from attenuation tables; not measured on this scanner"
# What HU are multiplied by to be those of 120 kVp: a cohort of 16,747 readings of L1 (at 100 and 140 kVp; the rest lies
# on the straight line through them) supports less than the spectra do.
COHORT_FACTORS = {70: 0.8175, 80: 0.854, 100: 0.927, 120: 1.0, 140: 1.053, 150: 1.0795}
# Another scanner's line misses by -5.6 +- 9.2 % (8 scanners; Skornitzke 2022, Sci Rep 12): the root mean square of both
# is how far two scanners lie apart, and one of them lies from their middle by that / sqrt(2). That the computed line is
# their middle is not known, so the -5.6 % stay in. A real phantom at hand is 7 % off. Water may be off by 5 HU, taken
# as uniform: the SD is half the width / sqrt(3).
SLOPE_SD = float(np.hypot(0.056, 0.092)) / 2**0.5
OFFSET_SD_HU = 5.0 / 3**0.5
DECOMPOSITION_SD = 0.05  # of virtual monoenergetic images: what scanners of two makes differ by at 70 keV


def line_of(acquisition: Acquisition) -> Calibration:
    """The line for a CT: by what its HU are, then by its tube voltage."""
    if acquisition.energy_kev is not None:
        return line_at(acquisition.energy_kev)
    is_blend = acquisition.image_kind is ImageKind.BLEND  # made to look like 120 kVp, whatever tube the header names
    return line_for(None if is_blend else acquisition.kvp)


def line_for(kvp: float | None) -> Calibration:
    """The line at a tube voltage (kV), linear between the tabulated ones; that of the first or last beyond them.

    Where the voltage is not known, or cannot be one, it is the line of 120 kVp.
    """
    voltages = sorted(MINERAL)
    possible = possible_voltage(kvp)
    known = REFERENCE_KVP if possible is None else float(np.clip(possible, voltages[0], voltages[-1]))
    slope, marrow = _between(MINERAL, known)
    return _line(f"{known:.0f} kVp", slope, marrow, COMPUTED, voltage_sd(known, slope))


def line_at(energy_kev: float) -> Calibration:
    """The line of virtual monoenergetic images, linear between the tabulated energies.

    Raises:
        ValueError: an energy outside `MONOENERGETIC`.
    """
    if not min(MONOENERGETIC) <= energy_kev <= max(MONOENERGETIC):
        raise ValueError(f"there is a line from {min(MONOENERGETIC)} to {max(MONOENERGETIC)} keV, got {energy_kev:g}")
    slope, marrow = _between(MONOENERGETIC, energy_kev)
    return _line(f"{energy_kev:g} keV", slope, marrow, COMPUTED_AT_ENERGY, DECOMPOSITION_SD)


def as_at_120_kvp(measured: Calibration, scan: Acquisition) -> Calibration:
    """A line through a phantom's inserts, as patients are read by it: their marrow stays where 120 kVp shows it.

    Water alone would be 0 at every voltage, and fat, which shows more contrast at 80 kVp, would lower the same bone.

    Args:
        scan: how the phantom was scanned.
    """
    return replace(measured, intercept_hu=measured.intercept_hu + line_of(scan).intercept_hu)


def _between(table: Mapping[int, tuple[float, float]], place: float) -> tuple[float, float]:
    places = sorted(table)
    slope, marrow = (float(np.interp(place, places, [table[p][n] for p in places])) for n in range(2))
    return slope, marrow


def _line(name: str, slope: float, marrow_hu: float, source: str, slope_sd: float) -> Calibration:
    return Calibration(
        name=name,
        material=HA,
        slope_hu_per_mg_cm3=slope,
        intercept_hu=marrow_hu - slope * MARROW_MG_CM3,
        source=source,
        slope_sd=float(np.hypot(SLOPE_SD, slope_sd)),
        intercept_sd_hu=OFFSET_SD_HU,
    )


def voltage_sd(kvp: float, slope_hu_per_mg_cm3: float) -> float:
    """The relative SD that a density has because spectra and the cohort disagree about the voltage; 0 at 120 kVp."""
    computed = HA_HU_PER_MG_CM3 / slope_hu_per_mg_cm3
    seen = np.interp(kvp, list(COHORT_FACTORS), list(COHORT_FACTORS.values()))
    return float(abs(seen / computed - 1) / 3**0.5)
