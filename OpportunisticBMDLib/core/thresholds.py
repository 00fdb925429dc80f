"""The densities at which one category ends and the next begins."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from OpportunisticBMDLib.core.materials import HA, K2HPO4, MATERIALS, ha_of


@dataclass(frozen=True)
class Thresholds:
    """Below `osteoporosis`: osteoporosis; up to and including `osteopenia`: osteopenia; above: normal (ACR, ISCD).

    Args:
        osteoporosis, osteopenia: mg/cm3.
        material: of these mg/cm3, "HA" or "K2HPO4". Densities come in HA and are converted.

    Raises:
        ValueError: another material.
    """

    osteoporosis: float = 80.0
    osteopenia: float = 120.0
    material: str = HA

    def __post_init__(self) -> None:
        if self.material not in MATERIALS:
            raise ValueError(f"thresholds are of {HA} or {K2HPO4}, not of {self.material!r}")

    @property
    def in_ha(self) -> tuple[float, float]:
        """Both thresholds in mg/cm3 of hydroxyapatite."""
        limits = self.osteoporosis, self.osteopenia
        return limits if self.material == HA else (ha_of(limits[0]), ha_of(limits[1]))

    def category(self, bmd_mg_cm3: float) -> str:
        """Of a density in HA.

        Raises:
            ValueError: the density is no finite number.
        """
        if not isfinite(bmd_mg_cm3):
            raise ValueError(f"a density of {bmd_mg_cm3} mg/cm3 has no category")
        osteoporosis, osteopenia = self.in_ha
        if bmd_mg_cm3 < osteoporosis:
            return "osteoporosis"
        return "osteopenia" if bmd_mg_cm3 <= osteopenia else "normal"
