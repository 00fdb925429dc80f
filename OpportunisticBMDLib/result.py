"""What a run finds out, as frozen dataclasses: boxes, segmentations, measurements and the whole result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from OpportunisticBMDLib.ct import Acquisition
from OpportunisticBMDLib.volume import Volume

Severity = Literal["info", "warning", "refusal"]
Status = Literal["measured", "review", "refused"]


@dataclass(frozen=True)
class Reason:
    """Why a result deserves caution, or why there is none.

    Args:
        code: short and stable, e.g. "contrast_agent".
        vertebra: "T12", "L1", "L2", or None where the whole case is meant.
        message: one sentence for a radiologist.
    """

    code: str
    severity: Severity
    message: str
    vertebra: str | None = None


@dataclass(frozen=True, eq=False)
class Box:
    """The localizer's finding: one box around the bodies of T12, L1 and L2.

    Args:
        ras_mm: (3, 2), least and greatest right, anterior and superior coordinate in mm.
        score: 0..1.
    """

    ras_mm: np.ndarray
    score: float

    @property
    def centre_ras(self) -> np.ndarray:
        return self.ras_mm.mean(axis=1)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Cancellous bone of the vertebral bodies.

    Args:
        labels: uint8 label map on the input's own grid (see `vertebrae.LABELS`).
        confidence: vertebra name -> mean probability of its voxels, 0..1; absent where nothing was found or where
            the masks were given by the user.
    """

    labels: Volume
    confidence: Mapping[str, float]


@dataclass(frozen=True)
class VertebraMeasurement:
    """One vertebra's figures; BMD in mg/cm3 of hydroxyapatite, None where it cannot be measured."""

    measurable: bool
    bmd_mg_cm3: float | None
    bmd_sd_mg_cm3: float | None
    hu_mean: float | None
    hu_sd: float | None
    hu_line_bmd_mg_cm3: float | None
    volume_mm3: float
    centroid_ras_mm: tuple[float, float, float] | None
    segmentation_confidence: float | None


@dataclass(frozen=True)
class Calibration:
    """The straight line HU = slope x BMD + intercept that the HU-line BMD is read from."""

    name: str
    material: str
    slope_hu_per_mg_cm3: float
    intercept_hu: float
    source: str

    def bmd(self, hu: Any) -> Any:
        """HU (a number or an array) -> mg/cm3."""
        return (hu - self.intercept_hu) / self.slope_hu_per_mg_cm3

    def hu(self, bmd: Any) -> Any:
        """mg/cm3 (a number or an array) -> HU."""
        return self.slope_hu_per_mg_cm3 * bmd + self.intercept_hu


@dataclass(frozen=True)
class Thresholds:
    """Below `osteoporosis`: osteoporosis; up to and including `osteopenia`: osteopenia; above: normal (ACR, ISCD)."""

    osteoporosis: float = 80.0
    osteopenia: float = 120.0

    def category(self, bmd_mg_cm3: float) -> str:
        if bmd_mg_cm3 < self.osteoporosis:
            return "osteoporosis"
        return "osteopenia" if bmd_mg_cm3 <= self.osteopenia else "normal"


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
    vertebrae: Mapping[str, VertebraMeasurement]
    box: Box | None
    timing_s: Mapping[str, float]

    @property
    def hu_line_bmd_mg_cm3(self) -> float | None:
        """What the calibration line alone gives for the vertebrae used: the mean; None where it is not known."""
        readings = [self.vertebrae[name].hu_line_bmd_mg_cm3 for name in self.vertebrae_used]
        return None if not readings or None in readings else float(np.mean(readings))
