"""HU of tissues, and the line from hydroxyapatite density to HU of cancellous bone, from attenuation data.

The figures in `LINES` come from `derive_line`, those of `calibration.MINERAL` from `derive_mineral`, those of
`calibration.MONOENERGETIC` from `derive_monoenergetic`, those of `calibration.internal.FAT_HU` from `derive_fat`: a
tungsten spectrum (SpekPy) behind 7 mm aluminium and 30 cm water, weighed by energy as the detector does, and elemental
mass attenuation (Elam tables, xraydb). Cancellous bone is hydroxyapatite (3.156 g/cm3) in marrow, red (1.03 g/cm3) or
yellow (0.98 g/cm3; compositions of ICRU report 44).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

FAT_HU, MUSCLE_HU, LUNG_HU, AIR_HU = -102.0, 52.0, -850.0, -1000.0
MEAN_MARROW_FAT = 0.45

# kVp: HU per mg HA/cm3, HU of red marrow, HU of yellow marrow.
LINES = {
    70: (2.085, -8.0, -86.1),
    80: (1.802, -2.5, -74.0),
    90: (1.614, 1.2, -66.0),
    100: (1.478, 3.8, -60.2),
    110: (1.373, 5.9, -55.7),
    120: (1.287, 7.5, -52.1),
    130: (1.215, 8.9, -49.0),
    140: (1.154, 10.1, -46.4),
    150: (1.102, 11.1, -44.2),
}

HYDROXYAPATITE = {"Ca": 0.39894, "P": 0.18499, "O": 0.41406, "H": 0.00201}
K2HPO4 = {"K": 0.44896, "H": 0.00579, "P": 0.17783, "O": 0.36742}
WATER = {"H": 0.1119, "O": 0.8881}
RED_MARROW = {"H": 0.105, "C": 0.414, "N": 0.034, "O": 0.439, "P": 0.001, "S": 0.002, "Cl": 0.002, "K": 0.002}
YELLOW_MARROW = {"H": 0.115, "C": 0.644, "N": 0.007, "O": 0.231}
ADIPOSE = {"H": 0.114, "C": 0.598, "N": 0.007, "O": 0.278, "Na": 0.001, "S": 0.001, "Cl": 0.001}
ADIPOSE_G_CM3 = 0.925  # at which it shows what the fat of seven real CTs does (-99 HU); the report's 0.95 shows -75


def calibration(kvp: float, marrow_fat: float = MEAN_MARROW_FAT) -> tuple[float, float]:
    """Slope (HU per mg HA/cm3) and intercept (HU) of cancellous bone at a tube voltage.

    Args:
        kvp: 70 to 150 kV; linear between the tabulated voltages.
        marrow_fat: share of the marrow's volume that is yellow, 0 to 1.

    Raises:
        ValueError: a voltage outside 70 to 150 kV.
    """
    if not min(LINES) <= kvp <= max(LINES):
        raise ValueError(f"the calibration line is known from 70 to 150 kVp, got {kvp}")
    voltages = sorted(LINES)
    slope, red, yellow = (np.interp(kvp, voltages, [LINES[v][n] for v in voltages]) for n in range(3))
    return float(slope), float(red + marrow_fat * (yellow - red))


def derive_line(kvp: float) -> tuple[float, float, float]:
    """HU per mg HA/cm3 in marrow, HU of red and of yellow marrow, from first principles (needs spekpy and xraydb)."""
    hu, attenuation = _seen_by_the_detector(kvp)
    red, yellow = 1.03 * attenuation(RED_MARROW), 0.98 * attenuation(YELLOW_MARROW)
    marrow = red + MEAN_MARROW_FAT * (yellow - red)
    bone = 0.2 * attenuation(HYDROXYAPATITE) + (1 - 0.2 / 3.156) * marrow
    return (hu(bone) - hu(marrow)) / 200, hu(red), hu(yellow)


def derive_mineral(kvp: float) -> tuple[float, float]:
    """HU per mg/cm3 of HA in water, and of K2HPO4 dissolved without minding the water that it displaces."""
    hu, attenuation = _seen_by_the_detector(kvp)
    water = attenuation(WATER)
    solid = 0.2 * attenuation(HYDROXYAPATITE) + (1 - 0.2 / 3.156) * water
    return hu(solid) / 200, hu(water + 0.2 * attenuation(K2HPO4)) / 200


def derive_fat(kvp: float) -> float:
    """HU of the fat under the skin."""
    hu, attenuation = _seen_by_the_detector(kvp)
    return hu(ADIPOSE_G_CM3 * attenuation(ADIPOSE))


def derive_monoenergetic(energy_kev: float) -> tuple[float, float]:
    """HU per mg/cm3 of HA in water, and HU of marrow, in a virtual monoenergetic image (needs xraydb)."""
    import xraydb

    def attenuation(composition: Mapping[str, float]) -> float:
        return float(sum(share * xraydb.mu_elam(element, 1000 * energy_kev) for element, share in composition.items()))

    water = attenuation(WATER)
    solid = 0.2 * attenuation(HYDROXYAPATITE) + (1 - 0.2 / 3.156) * water
    red, yellow = 1.03 * attenuation(RED_MARROW), 0.98 * attenuation(YELLOW_MARROW)
    marrow = red + MEAN_MARROW_FAT * (yellow - red)
    return 5 * (solid / water - 1), 1000 * (marrow / water - 1)


def _seen_by_the_detector(
    kvp: float, water_cm: float = 30.0, aluminium_mm: float = 7.0
) -> tuple[Callable[[np.ndarray], float], Callable[[Mapping[str, float]], np.ndarray]]:
    """From linear attenuation at each energy (1/cm) to HU; and the mass attenuation of a composition (cm2/g)."""
    import spekpy
    import xraydb

    spectrum = spekpy.Spek(kvp=kvp, th=10, dk=1)
    spectrum.filter("Al", aluminium_mm)
    kilovolts, fluence = (np.asarray(v) for v in spectrum.get_spectrum())
    energy = kilovolts * 1000

    def attenuation(composition: Mapping[str, float]) -> np.ndarray:
        return sum(share * xraydb.mu_elam(element, energy) for element, share in composition.items())

    water = attenuation(WATER)
    weight = fluence * energy * np.exp(-water * water_cm)

    def hu(mu: np.ndarray) -> float:
        return float(1000 * (weight @ mu) / (weight @ water) - 1000)

    return hu, attenuation
