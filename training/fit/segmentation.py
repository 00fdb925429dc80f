"""Fits AnatomyNet: `python -m training.fit.segmentation --samples DIR --run DIR -o MODELS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.metrics import DiceMetric
from monai.networks.utils import one_hot
from monai.transforms import (
    Compose,
    RandAffined,
    RandGaussianNoise,
    RandGaussianSmooth,
    RandGridDistortiond,
    RandHistogramShift,
)
from torch import Tensor

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.networks.anatomynet import AnatomyNet
from OpportunisticBMDLib.segment import segmentation_input
from OpportunisticBMDLib.vertebrae import VERTEBRAE
from OpportunisticBMDLib.volume import AIR_HU, Volume
from training.dataset import MARGIN_MM, box_ras
from training.fit.command import run_command
from training.fit.prepare import CROP_SPACING_MM, Sample

SIZE = (52, 56, 84)
WINDOW = {"low_hu": -250.0, "high_hu": 750.0}
JITTER_MM = 4.0  # how far the localizer's edges may be off
CENTRE_JITTER_MM = 6.0

SHAPE = Compose(
    [
        RandAffined(
            keys=("ct", "labels"),
            prob=0.9,
            rotate_range=(0.2, 0.15, 0.15),
            shear_range=(0.08,) * 6,
            scale_range=((-0.15, 0.2),) * 3,
            mode=("bilinear", "nearest"),
            padding_mode="zeros",
            lazy=False,
        ),
        RandGridDistortiond(
            keys=("ct", "labels"),
            prob=0.6,
            num_cells=5,
            distort_limit=(-0.12, 0.12),
            mode=("bilinear", "nearest"),
            padding_mode="zeros",
        ),
    ]
)
INTENSITY = Compose(
    [
        RandHistogramShift(prob=0.3, num_control_points=(6, 12)),
        RandGaussianSmooth(prob=0.4, sigma_x=(0.2, 0.8), sigma_y=(0.2, 0.8), sigma_z=(0.2, 1.4)),
        RandGaussianNoise(prob=0.8, std=45.0),
    ]
)


def augmented(sample: Sample, rng: np.random.Generator) -> tuple[Volume, Volume]:
    """A sample bent, turned, stretched, and given another density, noise and sharpness."""
    seed = int(rng.integers(2**31))
    # Zero padding is air.
    pair = {"ct": sample.ct.array[None] - AIR_HU, "labels": sample.labels.array[None].astype(np.float32)}
    if rng.random() < 0.5:
        pair = {key: value[:, ::-1].copy() for key, value in pair.items()}
    pair = SHAPE.set_random_state(seed)(pair)
    labels = np.asarray(pair["labels"])[0].astype(np.uint8)
    ct = np.asarray(pair["ct"])[0] + AIR_HU
    ct = _with_other_density(ct, labels, rng)
    ct = np.asarray(INTENSITY.set_random_state(seed)(ct[None]))[0]
    return Volume(ct.astype(np.float32), sample.ct.grid), Volume(labels, sample.labels.grid)


def _with_other_density(ct: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Adds or removes hydroxyapatite in the cancellous bone, a little differently in each vertebra."""
    slope = line_for(None).slope_hu_per_mg_cm3
    change = rng.normal(0, 30) + rng.normal(0, 8, len(VERTEBRAE) + 1)
    change[0] = 0
    return ct + slope * change[labels].astype(np.float32)


def network_pair(ct: Volume, labels: Volume, height_mm: np.ndarray, centre_ras: np.ndarray) -> tuple[Tensor, Tensor]:
    """The network's input (2, I, J, K) and target (1, I, J, K) around a centre."""
    crop = Grid.axis_aligned(SIZE, (CROP_SPACING_MM,) * 3, centre_ras)
    # Whole voxels only: the samples already have the network's spacing.
    start = np.round(ct.grid.index_of(crop.ras_of(np.zeros(3)))).astype(int)
    image = _cut(ct.array, start, AIR_HU)
    target = _cut(labels.array, start, 0)
    crop = ct.grid.cropped(start, SIZE)
    return segmentation_input(Volume(image, crop), height_mm, WINDOW), torch.from_numpy(target.astype(np.int64))[None]


def _cut(array: np.ndarray, start: np.ndarray, outside: float) -> np.ndarray:
    room = max(SIZE)
    padded = np.pad(array, room, constant_values=outside)
    return padded[tuple(slice(s + room, s + room + n) for s, n in zip(start, SIZE, strict=True))]


@dataclass(eq=False)
class SegmentationTask:
    """Half of the batches come from real CTs where there are any, else all from virtual patients."""

    real: Sequence[Sample]
    virtual: Sequence[Sample]
    held_out: Sequence[Sample]
    batch_size: int = 1

    def __post_init__(self) -> None:
        self.real = [sample for sample in self.real if sample.shows_all]
        self.network = AnatomyNet(in_channels=2, classes=4)
        self._loss = DiceCELoss(to_onehot_y=True, softmax=True)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        pairs = [self._draw(rng) for _ in range(self.batch_size)]
        return torch.stack([image for image, _ in pairs]), torch.stack([target for _, target in pairs])

    def _draw(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        pool = self.real if self.real and rng.random() < 0.5 else self.virtual
        ct, labels = augmented(pool[rng.integers(len(pool))], rng)
        if len(np.unique(labels.array)) < 4:
            return self._draw(rng)
        box = box_ras(labels)
        height = box[2] + rng.uniform(-JITTER_MM, JITTER_MM, 2)
        centre = box.mean(axis=1) + rng.uniform(-CENTRE_JITTER_MM, CENTRE_JITTER_MM, 3)
        return network_pair(ct, labels, height, centre)

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        image, target = (part.to(self._device) for part in batch)
        return self._loss(self.network(image), target)

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean Dice of each vertebra on the held-out patients, at 1.5 mm, with the true box."""
        self.network.eval()
        metric = DiceMetric(include_background=False)
        for sample in self.held_out:
            box = box_ras(sample.labels)
            image, target = network_pair(sample.ct, sample.labels, box[2], box.mean(axis=1))
            guess = self.network(image[None].to(self._device)).argmax(dim=1, keepdim=True).cpu()
            metric(one_hot(guess, 4), one_hot(target[None], 4))
        self.network.train()
        dice = metric.aggregate("mean_batch").tolist()
        return {f"dice_{name}": value for name, value in zip(VERTEBRAE, dice, strict=True)}

    def card(self, training: dict, figures: dict) -> ModelCard:
        return ModelCard(
            stage="segmentation",
            name="anatomynet",
            version="0.1",
            architecture={"name": "AnatomyNet", "parameters": {"in_channels": 2, "classes": 4}},
            grid={"spacing_mm": [CROP_SPACING_MM] * 3, "size": list(SIZE)},
            window=WINDOW,
            outputs={"classes": ["background", *VERTEBRAE], "box_margin_mm": MARGIN_MM},
            training=training,
            figures=figures,
            licence="Apache-2.0",
            intended_use="Research, not diagnosis: cancellous bone of T12, L1 and L2 in CT.",
        )


if __name__ == "__main__":
    run_command(__doc__, SegmentationTask, steps=540, learning_rate=3e-3)
