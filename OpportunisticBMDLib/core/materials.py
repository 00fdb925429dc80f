"""Mineral in water: what densities of different phantoms' materials mean for each other. Nothing else converts.

Computed as the lines of `calibration` are: 120 kVp behind 30 cm of water and 7 mm of aluminium.
"""

from __future__ import annotations

MATERIALS = HA, K2HPO4 = "HA", "K2HPO4"
HA_HU_PER_MG_CM3 = 1.280  # hydroxyapatite in water, as in the European Spine Phantom
SOLUTION_HU_PER_MG_CM3 = 1.539  # K2HPO4 dissolved, the water that it displaces not minded
MINDWAYS_SLOPE = -0.2174  # which Mindways adds, to mind that water (QCT Pro guide; so does Ogo of Bonelab)
MINDWAYS_WATER_MG_CM3 = 999.6  # of which 0 HU is, by the same guide; 1 mg/cm3 more or less is 1 HU
K2HPO4_PER_HA = HA_HU_PER_MG_CM3 / (SOLUTION_HU_PER_MG_CM3 + MINDWAYS_SLOPE)  # both are 0 in water
PER_HA = {HA: 1.0, K2HPO4: K2HPO4_PER_HA}  # mg/cm3 that a phantom of the material reads for 1 mg/cm3 of HA


def k2hpo4_of(ha_mg_cm3: float) -> float:
    """mg/cm3 of hydroxyapatite -> of K2HPO4 as Mindways' phantoms read it, the scale of most published QCT."""
    return K2HPO4_PER_HA * ha_mg_cm3


def ha_of(k2hpo4_mg_cm3: float) -> float:
    """The inverse of `k2hpo4_of`."""
    return k2hpo4_mg_cm3 / K2HPO4_PER_HA
