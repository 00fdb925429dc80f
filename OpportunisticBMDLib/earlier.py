"""What of an earlier result still holds after an edit: a mask that is the same need not go through the network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from OpportunisticBMDLib.result import Calibration, Result, Thresholds, VertebraMeasurement

MASK_FIGURES = ("hu_mean", "hu_sd", "volume_mm3", "centroid_ras_mm")


@dataclass(frozen=True)
class Mean:
    """The number of the case: the mean BMD of two vertebrae and its SD, mg/cm3, with the thresholds' probabilities."""

    bmd_mg_cm3: float
    bmd_sd_mg_cm3: float
    probability: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Earlier:
    """An earlier result of the same CT, or none.

    Args:
        changed: vertebrae whose masks changed since. A mask whose own figures differ has changed in any case.
    """

    result: Result | None
    changed: frozenset[str]

    @classmethod
    def of(
        cls,
        result: Result | None,
        changed: Collection[str],
        calibration: Calibration,
        models: Mapping[str, Mapping[str, str]],
    ) -> Earlier:
        """None of it holds under another calibration or other models."""
        holds = result is not None and result.calibration == calibration and result.models == models
        return cls(result if holds else None, frozenset(changed))

    def vertebra(self, name: str, now: VertebraMeasurement) -> VertebraMeasurement | None:
        """The earlier figures, densities included, if the vertebra's mask is the same.

        Args:
            now: what its mask alone tells.
        """
        known = self.result.vertebrae.get(name) if self.result else None
        if name in self.changed or known is None or not known.measurable:
            return None
        if any(getattr(known, figure) != getattr(now, figure) for figure in MASK_FIGURES):
            return None
        return replace(known, segmentation_confidence=now.segmentation_confidence)

    def mean(
        self, pair: Collection[str], now: Mapping[str, VertebraMeasurement], thresholds: Thresholds
    ) -> Mean | None:
        """The earlier mean, if it is that of the same two masks."""
        known = self.result
        if known is None or known.bmd_mg_cm3 is None or tuple(known.vertebrae_used) != tuple(pair):
            return None
        if known.thresholds != thresholds or any(self.vertebra(name, now[name]) is None for name in pair):
            return None
        return Mean(known.bmd_mg_cm3, known.bmd_sd_mg_cm3, dict(known.probability))
