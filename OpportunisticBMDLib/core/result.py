"""What a run finds out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.contrast import NOT_TOLD, Contrast
from OpportunisticBMDLib.core.correction import Correction
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.levels import Levels
from OpportunisticBMDLib.core.materials import k2hpo4_of
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.standing import Standing
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.uncertainty import Uncertainty
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra, Vertebra

STAGES = ("localizer", "skeleton", "segmentation", "bmd")  # of the chain, each with a model
FITTED_ON_CASES = ("localizer", "segmentation", "bmd")  # those that annotated T12 to L2 can fit
Scale = Literal["QCT reading", "former"]
QCT_READING: Scale = "QCT reading"
FORMER: Scale = "former"  # of results before schema version 2: the mineral of the whole mask, zero at bone-free marrow
Status = Literal["measured", "review", "refused"]


@dataclass(frozen=True, eq=False)
class Result:
    """All that result.json, the preview and the report show. Sections that a refusal left out are None or empty."""

    acquisition: Acquisition
    size_ijk: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    models: Mapping[str, Mapping[str, str]]
    status: Status
    reasons: tuple[Reason, ...]
    bmd_mg_cm3: float | None
    bmd_sd_mg_cm3: float | None
    vertebrae_used: tuple[str, ...]
    category: str | None
    thresholds: Thresholds
    probability: Mapping[str, float | None]
    calibration: Calibration
    vertebrae: Mapping[str, Vertebra]
    box: Box | None
    timing_s: Mapping[str, float]
    scale: Scale = QCT_READING
    levels: Levels | None = None  # None where the masks were given, and in results before levels were looked for
    contrast: Contrast = NOT_TOLD
    correction: Correction | None = None  # None where nothing is corrected
    uncertainty: Uncertainty | None = None  # None without a density, and in results before it was told apart
    standing: Standing | None = None  # None where nobody gave age and sex
    tissues_hu: Mapping[str, float] | None = None  # of "fat", "muscle" and "blood"; None where not looked for

    @property
    def bmd_k2hpo4_mg_cm3(self) -> float | None:
        """The same density on the scale of Mindways' phantoms; None without one, and for the former scale."""
        if self.bmd_mg_cm3 is None or self.scale == FORMER:
            return None
        return k2hpo4_of(self.bmd_mg_cm3)

    @property
    def network_bmd_mg_cm3(self) -> float | None:
        """What the network would read of the vertebrae used: the mean; None where it is not known."""
        used = [self.vertebrae[name] for name in self.vertebrae_used]
        readings = [vertebra.network_bmd_mg_cm3 for vertebra in used if isinstance(vertebra, MeasuredVertebra)]
        return float(np.mean(readings)) if readings and len(readings) == len(used) else None
