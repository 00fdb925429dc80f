"""What a run finds out, as frozen dataclasses: boxes, segmentations, measurements and the whole result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from OpportunisticBMDLib.core.materials import HA, K2HPO4, MATERIALS, ha_of, k2hpo4_of
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.ct import Acquisition
from OpportunisticBMDLib.volume import Volume

Scale = Literal["QCT reading", "former"]
QCT_READING: Scale = "QCT reading"
FORMER: Scale = "former"  # of results before schema version 2: the mineral of the whole mask, zero at bone-free marrow
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
    """One vertebra's figures; BMD in mg/cm3 of hydroxyapatite, None where it cannot be measured.

    Args:
        hu_region, hu_region_sd: of the voxels read in the middle of the body.
        region_voxels: how many they are, each counted by its share inside.
        region: where they lie; None where no body was found, and in results of the former scale.
        network_bmd_mg_cm3: what the network would read, for comparison.
        hu_mean, hu_sd: of the whole mask.
    """

    measurable: bool
    bmd_mg_cm3: float | None
    bmd_sd_mg_cm3: float | None
    hu_region: float | None
    hu_region_sd: float | None
    region_voxels: float | None
    network_bmd_mg_cm3: float | None
    hu_mean: float | None
    hu_sd: float | None
    volume_mm3: float
    centroid_ras_mm: tuple[float, float, float] | None
    segmentation_confidence: float | None
    region: Region | None = None


@dataclass(frozen=True)
class Calibration:
    """The straight line HU = slope x BMD + intercept that densities are read from.

    Args:
        material: what the densities are of.
        slope_sd: how uncertain the slope is, relative to it; 0 for a line that was measured on the scanner.
        intercept_sd_hu: how uncertain the intercept is.
    """

    name: str
    material: str
    slope_hu_per_mg_cm3: float
    intercept_hu: float
    source: str
    slope_sd: float = 0.0
    intercept_sd_hu: float = 0.0

    def bmd(self, hu: Any) -> Any:
        """HU (a number or an array) -> mg/cm3."""
        return (hu - self.intercept_hu) / self.slope_hu_per_mg_cm3

    def hu(self, bmd: Any) -> Any:
        """mg/cm3 (a number or an array) -> HU."""
        return self.slope_hu_per_mg_cm3 * bmd + self.intercept_hu

    def sd(self, bmd_mg_cm3: float) -> float:
        """The SD (mg/cm3) that a density read from this line has because of the line."""
        return float(np.hypot(self.slope_sd * bmd_mg_cm3, self.intercept_sd_hu / self.slope_hu_per_mg_cm3))


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
        """Of a density in HA."""
        osteoporosis, osteopenia = self.in_ha
        if bmd_mg_cm3 < osteoporosis:
            return "osteoporosis"
        return "osteopenia" if bmd_mg_cm3 <= osteopenia else "normal"


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
    scale: Scale = QCT_READING

    @property
    def bmd_k2hpo4_mg_cm3(self) -> float | None:
        """The same density on the scale of Mindways' phantoms; None without one, and for the former scale."""
        if self.bmd_mg_cm3 is None or self.scale == FORMER:
            return None
        return k2hpo4_of(self.bmd_mg_cm3)

    @property
    def network_bmd_mg_cm3(self) -> float | None:
        """What the network would read of the vertebrae used: the mean; None where it is not known."""
        readings = [self.vertebrae[name].network_bmd_mg_cm3 for name in self.vertebrae_used]
        return None if not readings or None in readings else float(np.mean(readings))
