"""From masks to bone mineral density: 3D DenseNet on the masked crop, and the HU line beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from OpportunisticBMDLib.bone import extent, middle_ras
from OpportunisticBMDLib.calibration import REFERENCE_KVP, line_for, scanner_sd
from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.models import ModelCard, device_of
from OpportunisticBMDLib.result import Calibration, Segmentation, VertebraMeasurement
from OpportunisticBMDLib.vertebrae import LABELS
from OpportunisticBMDLib.volume import Volume

BINS = "bin_corrections_mg_cm3"  # of a card's outputs
SPREAD = "spread_scale"  # of a card's outputs: errors that were measured, in units of the bins' spread
READING_SPACING_MM = 1.5  # CT and masks are brought to it first, in a fit as in a measurement


@dataclass(frozen=True, eq=False)
class Density:
    """A probability for each BMD bin.

    Args:
        centres: (B,) mg/cm3.
        probabilities: (B,), summing to 1.
        blur_sd: mg/cm3; an error that is known to be there and independent of the bins, normally distributed.
    """

    centres: np.ndarray
    probabilities: np.ndarray
    blur_sd: float = 0.0

    @property
    def mean(self) -> float:
        """The expectation, mg/cm3."""
        return float(self.probabilities @ self.centres)

    @property
    def sd(self) -> float:
        """The spread, mg/cm3."""
        return float(np.hypot(np.sqrt(self.probabilities @ (self.centres - self.mean) ** 2), self.blur_sd))

    def below(self, threshold: float) -> float:
        """The probability of a BMD below `threshold` mg/cm3; each bin is a normal distribution of its own width."""
        width = self.centres[1] - self.centres[0]
        distances = (threshold - self.centres) / np.hypot(width / np.sqrt(12), self.blur_sd)
        below = torch.special.ndtr(torch.from_numpy(distances)).numpy()
        return float(min(self.probabilities @ below, 1.0))  # the probabilities' sum may miss 1 by rounding

    def widened(self, scale: float) -> Density:
        """The same mean, the bins `scale` times as far from it."""
        return replace(self, centres=self.mean + scale * (self.centres - self.mean))


def bmd_crop(
    ct: Volume, labels: Volume, vertebrae: Sequence[str], calibration: Calibration, card: ModelCard
) -> tuple[np.ndarray, np.ndarray]:
    """Two (I, J, K) around some vertebrae: the calibrated density in 0..1, and where their cancellous bone is.

    HU are read through the calibration line and shown as the reference voltage would show them, so that one
    network serves every tube voltage and scanner.
    """
    mask, centre = _mask_and_centre(labels, vertebrae)
    crop = Grid.axis_aligned(card.grid["size"], card.grid["spacing_mm"], centre)
    inside = Volume(mask.astype(np.uint8), labels.grid).resampled_labels(crop).array > 0
    hu = line_for(REFERENCE_KVP).hu(calibration.bmd(ct.resampled(crop).array))
    low, high = card.window["low_hu"], card.window["high_hu"]
    return np.clip((hu - low) / (high - low), 0, 1), inside


def bmd_input(
    ct: Volume, labels: Volume, vertebrae: Sequence[str], calibration: Calibration, card: ModelCard
) -> Tensor:
    """(1, I, J, K) in 0..1: the calibrated density of the cancellous bone of some vertebrae, 0 everywhere else."""
    grey, inside = bmd_crop(ct, labels, vertebrae, calibration, card)
    return torch.from_numpy((grey * inside).astype(np.float32))[None]


def at_reading_spacing(ct: Volume, labels: Volume, vertebrae: Sequence[str], card: ModelCard) -> tuple[Volume, Volume]:
    """CT and masks around some vertebrae, at the spacing of the samples that the network was fitted on.

    What blur adds to a mask's edge depends on the spacing, and the network makes up for it. A mask too small for that
    spacing stays as it is.
    """
    _, centre = _mask_and_centre(labels, vertebrae)
    size = np.ceil(np.multiply(card.grid["size"], card.grid["spacing_mm"]) / READING_SPACING_MM).astype(int)
    grid = Grid.axis_aligned(size, (READING_SPACING_MM,) * 3, centre)
    coarse = labels.resampled_labels(grid)
    if not {LABELS[name] for name in vertebrae} <= set(np.unique(coarse.array).tolist()):
        return ct, labels
    return ct.resampled(grid), coarse


def _mask_and_centre(labels: Volume, vertebrae: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Where some vertebrae are, and the middle between their outermost voxels in RAS mm."""
    mask = np.isin(labels.array, [LABELS[name] for name in vertebrae])
    return mask, middle_ras(extent(mask), labels.grid)


def line_bmd(ct: Volume, labels: Volume, vertebrae: Sequence[str], calibration: Calibration) -> float:
    """What the calibration line alone gives: the mean of the vertebrae's readings, mg/cm3."""
    hu = [ct.array[labels.array == LABELS[name]].mean(dtype=float) for name in vertebrae]
    return float(np.mean([calibration.bmd(value) for value in hu]))


@dataclass(frozen=True, eq=False)
class Densitometer:
    """Reads the mean BMD of the cancellous bone of one or more vertebrae.

    The network's bins lie around what the calibration line gives: it corrects the line for what blur, cortex and masks
    do to a mean, and says how sure it is. Few patients suffice to learn so much.

    Raises:
        BadInput: the model's card names no bins.
    """

    network: nn.Module
    card: ModelCard

    def __post_init__(self) -> None:
        if BINS not in self.card.outputs:
            raise BadInput(
                f"The bmd model {self.card.name} {self.card.version} names no {BINS}: fit or install it anew."
            )

    def density(self, ct: Volume, labels: Volume, vertebrae: Sequence[str], calibration: Calibration) -> Density:
        """The density of these vertebrae together.

        Its spread is the network's own, scaled to the errors that were measured, and that of scanners.
        """
        ct, labels = at_reading_spacing(ct, labels, vertebrae, self.card)
        correction = self._read(bmd_input(ct, labels, vertebrae, calibration, self.card))
        line = line_bmd(ct, labels, vertebrae, calibration)
        density = replace(correction, centres=correction.centres + line)
        scale = self.card.outputs.get(SPREAD, 1.0)
        return replace(density.widened(scale), blur_sd=scanner_sd(calibration, density.mean))

    def measure(
        self, ct: Volume, segmentation: Segmentation, vertebra: str, calibration: Calibration, *, measurable: bool
    ) -> VertebraMeasurement:
        """One vertebra's figures; without densities where it is not measurable."""
        labels = segmentation.labels
        mask = labels.array == LABELS[vertebra]
        if not mask.any():
            return VertebraMeasurement(False, None, None, None, None, None, 0.0, None, None)
        hu = ct.array[mask]
        density = self.density(ct, labels, (vertebra,), calibration) if measurable else None
        centroid = labels.grid.ras_of(np.argwhere(mask).mean(axis=0))
        return VertebraMeasurement(
            measurable=measurable,
            bmd_mg_cm3=density.mean if density else None,
            bmd_sd_mg_cm3=density.sd if density else None,
            hu_mean=float(hu.mean()),
            hu_sd=float(hu.std()),
            hu_line_bmd_mg_cm3=line_bmd(ct, labels, (vertebra,), calibration) if measurable else None,
            volume_mm3=float(mask.sum() * labels.grid.voxel_volume),
            centroid_ras_mm=tuple(float(x) for x in centroid),
            segmentation_confidence=segmentation.confidence.get(vertebra),
        )

    @torch.inference_mode()
    def _read(self, image: Tensor) -> Density:
        """The correction of the line."""
        device = device_of(self.network)
        probabilities = self.network(image[None].to(device)).softmax(dim=1)[0].double().cpu().numpy()
        return Density(np.asarray(self.card.outputs[BINS]), probabilities / probabilities.sum())
