"""What of an earlier result still holds after an edit: a region that stayed where it is need not be measured again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.correction import Correction
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.uncertainty import Uncertainty
from OpportunisticBMDLib.core.vertebra import MaskFigures, MeasuredVertebra, RegionFigures, Vertebra, middle_of


@dataclass(frozen=True)
class Mean:
    """The number of the case: the mean BMD of two vertebrae and its SD, mg/cm3, with the thresholds' probabilities."""

    bmd_mg_cm3: float
    bmd_sd_mg_cm3: float
    probability: Mapping[str, float]
    uncertainty: Uncertainty | None = None


@dataclass(frozen=True, eq=False)
class Reusable:
    """The figures of an earlier result of the same CT, as far as they still hold; of no result, none do."""

    result: Result | None

    @classmethod
    def of(
        cls,
        result: Result | None,
        calibration: Calibration,
        correction: Correction | None,
        models: Mapping[str, Mapping[str, str]],
    ) -> Reusable:
        """None of it holds under another calibration, another correction or other models."""
        if result is None or (result.calibration, result.correction) != (calibration, correction):
            return cls(None)
        return cls(result if result.models == models else None)

    def vertebra(self, name: str, middle: RegionFigures | None, mask: MaskFigures | None) -> MeasuredVertebra | None:
        """The earlier densities with what is known of the mask now, if the same voxels are read; else None.

        Args:
            middle, mask: what is known without the network.
        """
        known = self.result.vertebrae.get(name) if self.result else None
        if not isinstance(known, MeasuredVertebra) or mask is None or known.middle != middle:
            return None
        return replace(known, mask=mask)

    def mean(self, pair: Collection[str], now: Mapping[str, Vertebra], thresholds: Thresholds) -> Mean | None:
        """The earlier mean, if it is that of the same two regions."""
        known = self.result
        if known is None or known.bmd_mg_cm3 is None or known.bmd_sd_mg_cm3 is None or known.uncertainty is None:
            return None
        if tuple(known.vertebrae_used) != tuple(pair) or known.thresholds != thresholds:
            return None
        earlier = [known.vertebrae.get(name) for name in pair]
        if any(one is None or middle_of(one) != middle_of(now[name]) for one, name in zip(earlier, pair)):
            return None
        probability = {name: value for name, value in known.probability.items() if value is not None}
        return Mean(known.bmd_mg_cm3, known.bmd_sd_mg_cm3, probability, known.uncertainty)
