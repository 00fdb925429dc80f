"""What is known of one vertebra: measured, not measured, or measured on the former scale."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan

from OpportunisticBMDLib.core.region import Region


@dataclass(frozen=True)
class MaskFigures:
    """Of a vertebra's whole mask.

    Args:
        confidence: mean probability of its voxels, 0..1; None where the mask is not the network's own.
    """

    volume_mm3: float
    centroid_ras_mm: tuple[float, float, float]
    hu_mean: float
    hu_sd: float
    confidence: float | None


@dataclass(frozen=True)
class RegionFigures:
    """Of the voxels read in the middle of a body.

    Args:
        voxels: how many they are, each counted by its share inside.
    """

    region: Region
    hu_mean: float
    hu_sd: float
    voxels: float


@dataclass(frozen=True)
class MeasuredVertebra:
    """A vertebra with its BMD, in mg/cm3 of hydroxyapatite in water.

    Args:
        bmd_sd_mg_cm3: how sure it is.
        read_mg_cm3: what the calibration line gives for the middle, before any correction.
        network_bmd_mg_cm3: what the network would read, for comparison.
    """

    bmd_mg_cm3: float
    bmd_sd_mg_cm3: float
    read_mg_cm3: float
    network_bmd_mg_cm3: float
    middle: RegionFigures
    mask: MaskFigures


@dataclass(frozen=True)
class UnmeasuredVertebra:
    """A vertebra that cannot be measured, with what is known of it nevertheless.

    Args:
        middle: None where the mask holds no body.
        mask: None where there is none.
    """

    middle: RegionFigures | None
    mask: MaskFigures | None


@dataclass(frozen=True)
class FormerVertebra:
    """A vertebra of a result on the former scale: the mineral of the whole mask, zero at bone-free marrow."""

    bmd_mg_cm3: float
    bmd_sd_mg_cm3: float
    mask: MaskFigures


Vertebra = MeasuredVertebra | UnmeasuredVertebra | FormerVertebra


@dataclass(frozen=True)
class VertebraFigures:
    """All figures of a vertebra in one row, as tables and files have them; NaN where one is not known."""

    bmd_mg_cm3: float = nan
    bmd_sd_mg_cm3: float = nan
    read_mg_cm3: float = nan
    network_bmd_mg_cm3: float = nan
    hu_region: float = nan
    hu_region_sd: float = nan
    region_voxels: float = nan
    hu_mean: float = nan
    hu_sd: float = nan
    volume_mm3: float = 0.0
    confidence: float = nan

    @property
    def is_measured(self) -> bool:
        return isfinite(self.bmd_mg_cm3)

    @classmethod
    def of(cls, vertebra: Vertebra | None) -> VertebraFigures:
        """Those of a vertebra; of none, none is known."""
        if vertebra is None:
            return cls()
        middle, mask = middle_of(vertebra), vertebra.mask
        figures: dict[str, float] = {}
        if not isinstance(vertebra, UnmeasuredVertebra):
            figures |= {"bmd_mg_cm3": vertebra.bmd_mg_cm3, "bmd_sd_mg_cm3": vertebra.bmd_sd_mg_cm3}
        if isinstance(vertebra, MeasuredVertebra):
            figures |= {"read_mg_cm3": vertebra.read_mg_cm3, "network_bmd_mg_cm3": vertebra.network_bmd_mg_cm3}
        if middle is not None:
            figures |= {"hu_region": middle.hu_mean, "hu_region_sd": middle.hu_sd, "region_voxels": middle.voxels}
        if mask is not None:
            figures |= {"hu_mean": mask.hu_mean, "hu_sd": mask.hu_sd, "volume_mm3": mask.volume_mm3}
            figures["confidence"] = nan if mask.confidence is None else mask.confidence
        return cls(**figures)


def middle_of(vertebra: Vertebra) -> RegionFigures | None:
    """What was read in the middle of its body; None where nothing was, as on the former scale."""
    return None if isinstance(vertebra, FormerVertebra) else vertebra.middle
