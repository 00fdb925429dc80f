"""From masks to bone mineral density: 3D DenseNet on the masked crop, and the HU line beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from OpportunisticBMDLib.bone import extent, middle_ras
from OpportunisticBMDLib.calibration import REFERENCE_KVP, line_for, scanner_sd
from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.models import ModelCard, device_of
from OpportunisticBMDLib.profile import ProfileLine, core_bmd
from OpportunisticBMDLib.result import Calibration, Segmentation, VertebraMeasurement
from OpportunisticBMDLib.vertebrae import LABELS
from OpportunisticBMDLib.volume import Volume

BINS = "bin_corrections_mg_cm3"  # of a card's outputs
PROFILE = "profile_line"  # of a card's outputs, see `ProfileLine`
SPREAD = "spread_scale"  # of a card's outputs: errors that were measured, in units of the bins' spread
READING_SPACING_MM = 1.5  # CT and masks are brought to it first, in a fit as in a measurement


@dataclass(frozen=True, eq=False)
class Density:
    """A probability for each BMD bin.

    Args:
        centres: (B,) mg/cm3; those of each vertebra evenly spaced.
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
        )


def bmd_crop(
    ct: Volume, labels: Volume, vertebra: str, calibration: Calibration, card: ModelCard
) -> tuple[np.ndarray, float, np.ndarray]:
    """(I, J, K) around a vertebra: the calibrated density in 0..1, that of its core, and where its cancellous bone is.

    HU are read through the calibration line and shown as the reference voltage would show them, so that one
    network serves every tube voltage and scanner.
    """
    mask = labels.array == LABELS[vertebra]
    crop = Grid.axis_aligned(card.grid["size"], card.grid["spacing_mm"], middle_ras(extent(mask), labels.grid))
    inside = Volume(mask.astype(np.uint8), labels.grid).resampled_labels(crop).array > 0
    grey = np.clip(_grey(calibration.bmd(ct.resampled(crop).array), card), 0, 1)
    return grey, _grey(core_bmd(ct, labels, vertebra, calibration), card), inside


def _grey(bmd: np.ndarray | float, card: ModelCard) -> np.ndarray | float:
    """mg/cm3 as the card's window shows them, 0 at its lower end and 1 at its upper."""
    low, high = card.window["low_hu"], card.window["high_hu"]
    return (line_for(REFERENCE_KVP).hu(bmd) - low) / (high - low)


def bmd_input(ct: Volume, labels: Volume, vertebra: str, calibration: Calibration, card: ModelCard) -> Tensor:
    """(1, I, J, K) in -1..1: how much denser a vertebra's cancellous bone is than its core, 0 everywhere else.

    The core's own density is not shown: mineral that is added everywhere moves what is read by just as much.
    """
    grey, core, inside = bmd_crop(ct, labels, vertebra, calibration, card)
    return torch.from_numpy(((grey - core) * inside).astype(np.float32))[None]


def at_reading_spacing(ct: Volume, labels: Volume, vertebra: str, card: ModelCard) -> tuple[Volume, Volume]:
    """CT and masks around a vertebra, at the spacing of the samples that the network was fitted on.

    What blur adds to a mask's edge depends on the spacing, and the network makes up for it. A mask too small for that
    spacing stays as it is.
    """
    centre = middle_ras(extent(labels.array == LABELS[vertebra]), labels.grid)
    size = np.ceil(np.multiply(card.grid["size"], card.grid["spacing_mm"]) / READING_SPACING_MM).astype(int)
    grid = Grid.axis_aligned(size, (READING_SPACING_MM,) * 3, centre)
    coarse = labels.resampled_labels(grid)
    return (ct.resampled(grid), coarse) if (coarse.array == LABELS[vertebra]).any() else (ct, labels)


def line_bmd(ct: Volume, labels: Volume, vertebra: str, calibration: Calibration) -> float:
    """What the calibration line alone gives for a vertebra, mg/cm3."""
    return calibration.bmd(float(ct.array[labels.array == LABELS[vertebra]].mean(dtype=float)))


@dataclass(frozen=True, eq=False)
class Densitometer:
    """Reads the mean BMD of a vertebra's cancellous bone.

    The network's bins lie around what the calibration line gives for the bone's profile: it corrects that, and says how
    sure it is. Few patients suffice to learn so much.

    Args:
        line: what the network corrects, from the card.

    Raises:
        BadInput: the model's card names no bins, or no usable weights of the profile.
    """

    network: nn.Module
    card: ModelCard
    line: ProfileLine = field(init=False)

    def __post_init__(self) -> None:
        for needed in (BINS, PROFILE):
            if needed not in self.card.outputs:
                raise BadInput(
                    f"The bmd model {self.card.name} {self.card.version} names no {needed}: fit or install it anew."
                )
        object.__setattr__(self, "line", self._line())

    def _line(self) -> ProfileLine:
        try:
            return ProfileLine(**self.card.outputs[PROFILE])
        except (TypeError, ValueError) as error:
            raise BadInput(
                f"The {PROFILE} of the bmd model {self.card.name} {self.card.version} cannot be used: fit or install "
                f"it anew ({error})."
            ) from error

    def density(self, ct: Volume, labels: Volume, vertebra: str, calibration: Calibration) -> Density:
        """The density of a vertebra.

        Its spread is the network's own, scaled to the errors that were measured, and that of scanners.
        """
        ct, labels = at_reading_spacing(ct, labels, vertebra, self.card)
        correction = self._read(bmd_input(ct, labels, vertebra, calibration, self.card))
        line = self.line(ct, labels, vertebra, calibration)
        density = replace(correction, centres=correction.centres + line)
        scale = self.card.outputs.get(SPREAD, 1.0)
        return replace(density.widened(scale), blur_sd=scanner_sd(calibration, density.mean))

    @torch.inference_mode()
    def _read(self, image: Tensor) -> Density:
        """The correction of the line."""
        device = device_of(self.network)
        probabilities = self.network(image[None].to(device)).softmax(dim=1)[0].double().cpu().numpy()
        return Density(np.asarray(self.card.outputs[BINS]), probabilities / probabilities.sum())


def measured(
    ct: Volume, segmentation: Segmentation, vertebra: str, calibration: Calibration, density: Density | None
) -> VertebraMeasurement:
    """One vertebra's figures.

    Args:
        density: None where the vertebra cannot be measured: its mask's own figures remain.
    """
    labels = segmentation.labels
    mask = labels.array == LABELS[vertebra]
    if not mask.any():
        return VertebraMeasurement(False, None, None, None, None, None, 0.0, None, None)
    hu = ct.array[mask]
    centroid = labels.grid.ras_of(np.argwhere(mask).mean(axis=0))
    return VertebraMeasurement(
        measurable=density is not None,
        bmd_mg_cm3=density.mean if density else None,
        bmd_sd_mg_cm3=density.sd if density else None,
        hu_mean=float(hu.mean()),
        hu_sd=float(hu.std()),
        hu_line_bmd_mg_cm3=line_bmd(ct, labels, vertebra, calibration) if density else None,
        volume_mm3=float(mask.sum() * labels.grid.voxel_volume),
        centroid_ras_mm=tuple(float(x) for x in centroid),
        segmentation_confidence=segmentation.confidence.get(vertebra),
    )
