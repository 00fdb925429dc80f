"""From masks to bone mineral density: the middle of each body is read, and 3D DenseNet says how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.correction import Correction
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid, triple
from OpportunisticBMDLib.core.materials import HA_HU_PER_MG_CM3
from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.remembered import remembered
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebra import MaskFigures, MeasuredVertebra, RegionFigures
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.inference.finite import finite
from OpportunisticBMDLib.inference.network import Network
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.stages.place_region import SHARE

BINS = "bin_corrections_mg_cm3"  # of a card's outputs
BASE, REGION = "corrects", "reading of the region"  # of a card's outputs: what the bins are added to
REACH_MM = 24.0  # above and below the middle of a body: as far as its discs
SMOOTHING_VOXELS = 6  # around what is looked at of a CT, from where on its averages see no edge
SPREAD = "spread_scale"  # of a card's outputs: errors that were measured, in units of the bins' spread


@dataclass(frozen=True, eq=False)
class Density:
    """A probability for each BMD bin.

    Args:
        centres: (B,) mg/cm3; those of each vertebra evenly spaced.
        probabilities: (B,), summing to 1.
        blur_sd: mg/cm3; an error that is known to be there and independent of the bins, normally distributed.
        correction: mg/cm3; what the network would add to the mean.
        moved: mg/cm3; by how much the mean lies above what the calibration line gives.
    """

    centres: np.ndarray
    probabilities: np.ndarray
    blur_sd: float = 0.0
    correction: float = 0.0
    moved: float = 0.0

    @property
    def mean(self) -> float:
        """The expectation, mg/cm3."""
        return float(self.probabilities @ self.centres)

    @property
    def spread(self) -> float:
        """The SD of the bins alone, mg/cm3."""
        return float(np.sqrt(self.probabilities @ (self.centres - self.mean) ** 2))

    @property
    def sd(self) -> float:
        """The SD, mg/cm3, with that of known errors."""
        return float(np.hypot(self.spread, self.blur_sd))

    def below(self, threshold: float) -> float:
        """The probability of a BMD below `threshold` mg/cm3; each bin is a normal distribution of its own width."""
        width = self.centres[1] - self.centres[0]
        distances = (threshold - self.centres) / np.hypot(width / np.sqrt(12), self.blur_sd)
        return float(min(self.probabilities @ ndtr(distances), 1.0))  # the probabilities' sum may miss 1 by rounding

    def of_vertebra(self, middle: RegionFigures, mask: MaskFigures) -> MeasuredVertebra:
        """A vertebra that has this density."""
        read = self.mean - self.moved
        return MeasuredVertebra(self.mean, self.sd, read, self.mean + self.correction, middle, mask)

    def at(self, mean_mg_cm3: float) -> Density:
        """The same spread around another mean."""
        return replace(self, centres=self.centres - self.mean + mean_mg_cm3)

    def widened(self, scale: float) -> Density:
        """The same mean, the bins `scale` times as far from it."""
        return replace(self, centres=self.mean + scale * (self.centres - self.mean))

    def corrected(self, correction: Correction | None) -> Density:
        """After a step that moves the mean, or leaves it and makes it less sure."""
        if correction is None:
            return self
        by = correction.bmd(self.mean) - self.mean
        blur = float(np.hypot(self.blur_sd, correction.sd_mg_cm3))
        return replace(self, centres=self.centres + by, blur_sd=blur, moved=self.moved + by)

    @classmethod
    def mean_of(cls, densities: Sequence[Density]) -> Density:
        """The mean density of several vertebrae.

        Their errors come from one marrow and one scanner, and are taken to be shared: the mean is as sure as they are.
        """
        mean = np.mean([density.mean for density in densities])
        return cls(
            centres=np.concatenate([density.centres - density.mean + mean for density in densities]),
            probabilities=np.concatenate([density.probabilities for density in densities]) / len(densities),
            blur_sd=float(np.mean([density.blur_sd for density in densities])),
            correction=float(np.mean([density.correction for density in densities])),
            moved=float(np.mean([density.moved for density in densities])),
        )


def crop_grid(region: Region, size: Sequence[int], spacing_mm: Sequence[float]) -> Grid:
    """The network's grid: around the region, along its own axes."""
    directions = region.half_axes / region.half_mm[:, None]
    affine = np.eye(4)
    affine[:3, :3] = directions.T * np.array(spacing_mm)
    affine[:3, 3] = region.centre_ras - affine[:3, :3] @ ((np.array(size) - 1) / 2)
    return Grid(triple(size), affine)


def body_mask(region: Region, grid: Grid) -> np.ndarray:
    """(I, J, K) bool: the ellipse of the whole body, of which the region is a part, with its endplates and discs.

    It follows from the region alone: an edit of the masks that leaves the region where it is changes nothing.
    """
    x, y, z = region.local_on(grid)
    return (np.hypot(x, y) <= 1 / SHARE) & (np.abs(z) * region.half_mm[2] <= REACH_MM)


def correction_input(ct: Volume, region: Region, bmd: float, calibration: Calibration, card: ModelCard) -> np.ndarray:
    """(1, I, J, K) float32 in -1..1: how much denser the body is than its region reads; 0 beside the body.

    The density itself is not shown: mineral that is added everywhere moves what is read by just as much.

    Args:
        bmd: what the region reads, mg/cm3.
    """
    grid = crop_grid(region, card.grid["size"], card.grid["spacing_mm"])
    body = body_mask(region, grid)
    image = np.zeros(grid.size, np.float32)
    held = extent(body)
    if held is not None:  # only there is the CT looked at
        around = grid.part(held)
        near = ct.part(ct.grid.part_under(around, margin=SMOOTHING_VOXELS))
        image[held] = windowed(calibration.bmd(near.resampled(around).array) - bmd, card)
    return (image * body)[None]


def windowed(denser: np.ndarray, card: ModelCard) -> np.ndarray:
    """mg/cm3 -> float32 in -1..1, by the card's window of what mineral does to HU at 120 kVp."""
    low, high = card.window["low_hu"], card.window["high_hu"]
    shown = HA_HU_PER_MG_CM3 * denser
    return np.where(shown < 0, -shown / low, shown / high).clip(-1, 1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Densitometer:
    """Gives the BMD of a vertebra from the reading of its middle.

    The network's bins lie around what the calibration line gives for the region: they tell how far thick slices, noise,
    kernels and inexact masks may have moved it. What the network itself would read stands beside the reading: on real
    CTs of patients that it was not fitted on, degraded as other scans would be, it is no better (README).

    Raises:
        BadInput: the model's card names no bins around the reading.
    """

    network: Network
    card: ModelCard

    def __post_init__(self) -> None:
        if BINS not in self.card.outputs or self.card.outputs.get(BASE) != REGION:
            raise BadInput(
                f"The bmd model {self.card.name} {self.card.version} does not correct the {REGION}: it is of the "
                "former scale, or damaged; fit or install it anew."
            )

    def density(self, ct: Volume, reading: Reading, calibration: Calibration) -> Density:
        """The density of a vertebra: its reading.

        The spread is the network's, scaled to the errors that were measured, and that of the line.
        """
        bmd = calibration.bmd(reading.hu_mean)
        correction = _correction(ct, self, reading.region, float(bmd), calibration)
        density = replace(correction, centres=correction.centres - correction.mean + bmd, correction=correction.mean)
        density = replace(density.widened(self.card.outputs.get(SPREAD, 1.0)), blur_sd=calibration.sd(density.mean))
        finite(np.array([density.mean, density.sd, density.correction]), self.card)
        return density


@remembered
def _correction(
    ct: Volume, densitometer: Densitometer, region: Region, bmd: float, calibration: Calibration
) -> Density:
    """Of the reading `bmd`, mg/cm3; of a region that an edit left where it is, it is known already."""
    card = densitometer.card
    image = correction_input(ct, region, bmd, calibration, card)
    probabilities = finite(densitometer.network(image[None])[0].astype(float), card)
    return Density(np.asarray(card.outputs[BINS]), probabilities / probabilities.sum())


def middle_figures(reading: Reading | None) -> RegionFigures | None:
    """What the result has of a reading; None where nothing was read."""
    if reading is None or not reading.voxels:
        return None
    return RegionFigures(reading.region, reading.hu_mean, reading.hu_sd, reading.voxels)


def mask_figures(ct: Volume, segmentation: Segmentation, vertebra: str) -> MaskFigures | None:
    """What a mask itself tells; None where there is none.

    Args:
        ct: HU.
        segmentation: on the same grid.
    """
    labels = segmentation.labels
    mask = labels.array == LABELS[vertebra]
    hu = ct.array[mask]
    if not len(hu):
        return None
    return MaskFigures(
        volume_mm3=float(mask.sum() * labels.grid.voxel_volume),
        centroid_ras_mm=_centroid(mask, labels.grid),
        hu_mean=float(hu.mean()),
        hu_sd=float(hu.std()),
        confidence=segmentation.confidence.get(vertebra),
    )


def _centroid(mask: np.ndarray, grid: Grid) -> tuple[float, float, float]:
    right, front, up = grid.ras_of(np.argwhere(mask).mean(axis=0)).tolist()
    return right, front, up
