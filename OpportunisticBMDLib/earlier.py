"""What of an earlier result still holds after an edit: a region that stayed where it is need not be measured again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from OpportunisticBMDLib.result import Calibration, Result, Thresholds, VertebraMeasurement

READ = ("region", "hu_region", "hu_region_sd", "region_voxels")  # equal: the same voxels are read
DENSITIES = ("measurable", "bmd_mg_cm3", "bmd_sd_mg_cm3", "network_bmd_mg_cm3")


@dataclass(frozen=True)
class Mean:
    """The number of the case: the mean BMD of two vertebrae and its SD, mg/cm3, with the thresholds' probabilities."""

    bmd_mg_cm3: float
    bmd_sd_mg_cm3: float
    probability: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Earlier:
    """An earlier result of the same CT, or none."""

    result: Result | None

    @classmethod
    def of(
        cls,
        result: Result | None,
        calibration: Calibration,
        models: Mapping[str, Mapping[str, str]],
    ) -> Earlier:
        """None of it holds under another calibration or other models."""
        holds = result is not None and result.calibration == calibration and result.models == models
        return cls(result if holds else None)

    def vertebra(self, name: str, now: VertebraMeasurement) -> VertebraMeasurement | None:
        """What is known now with the earlier densities, if the same voxels are read; else None.

        Args:
            now: what mask and region alone tell.
        """
        known = self.result.vertebrae.get(name) if self.result else None
        if known is None or not known.measurable or any(getattr(known, f) != getattr(now, f) for f in READ):
            return None
        return replace(now, **{figure: getattr(known, figure) for figure in DENSITIES})

    def mean(
        self, pair: Collection[str], now: Mapping[str, VertebraMeasurement], thresholds: Thresholds
    ) -> Mean | None:
        """The earlier mean, if it is that of the same two regions."""
        known = self.result
        if known is None or known.bmd_mg_cm3 is None or tuple(known.vertebrae_used) != tuple(pair):
            return None
        if known.thresholds != thresholds or any(self.vertebra(name, now[name]) is None for name in pair):
            return None
        return Mean(known.bmd_mg_cm3, known.bmd_sd_mg_cm3, dict(known.probability))
