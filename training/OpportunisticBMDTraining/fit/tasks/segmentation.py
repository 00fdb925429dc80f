"""Fits AnatomyNet: `opportunistic-bmd-lab fit-segmentation --samples DIR --run DIR -o MODELS`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.losses import DiceLoss
from monai.metrics import DiceMetric
from monai.networks.utils import one_hot
from monai.transforms import (
    Compose,
    Rand3DElasticd,
    RandGaussianNoise,
    RandGaussianSmooth,
    RandHistogramShift,
)
from torch import Tensor
from torch.nn import functional as F

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.box import MARGIN_MM, box_ras
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.models.modules import device_of
from OpportunisticBMDLib.networks.anatomynet import AnatomyNet
from OpportunisticBMDLib.stages.segment import segmentation_input
from OpportunisticBMDTraining.fit.command import Stage, run_command
from OpportunisticBMDTraining.fit.design import Design
from OpportunisticBMDTraining.fit.recipe import Recipe, Steps
from OpportunisticBMDTraining.fit.samples.prepare import CROP_SPACING_MM, Sample, labels_of
from OpportunisticBMDTraining.fit.samples.sets import drawn

SIZE = (52, 56, 88)
WINDOW = {"low_hu": -250.0, "high_hu": 750.0}
EDGE_JITTER_MM = 4.0  # how far the localizer's edges may be off, each on its own
SHIFT_SD_MM = 5.0  # and both together: less than half a vertebra
CUT = 0.25  # share of the scans that end within the box
THICK = 0.2  # share of the scans that come in thick slices
THICK_MM = (3.0, 6.0)
REDRAWN = 0.3  # share of the scans whose tissues get other HU
TISSUES_HU = (-1024.0, -300.0, -110.0, -40.0, 10.0, 50.0, 110.0, 200.0, 400.0, 1000.0)
TISSUES_SD_HU = (0.0, 60.0, 40.0, 40.0, 40.0, 40.0, 50.0, 60.0, 80.0, 150.0)
REAL = 0.25  # share of the draws from real CTs, beside virtual patients: they are few and easier

DESIGN = Design(
    stage="segmentation",
    name="anatomynet",
    parameters={"in_channels": 2, "classes": 4},
    spacing_mm=CROP_SPACING_MM,
    size=SIZE,
    window=WINDOW,
    outputs={"classes": ["background", *VERTEBRAE], "box_margin_mm": MARGIN_MM},
    purpose="cancellous bone of T12, L1 and L2 in CT",
)

SHAPE = Rand3DElasticd(
    keys=("ct", "shares"),
    prob=1.0,
    sigma_range=(5, 8),
    magnitude_range=(20, 350),
    spatial_size=SIZE,
    rotate_range=(0.2, 0.15, 0.15),
    shear_range=(0.08,) * 6,
    translate_range=(4, 4, 4),
    scale_range=((-0.15, 0.2),) * 3,
    mode="bilinear",
    padding_mode="zeros",
)
INTENSITY = Compose(
    [
        RandHistogramShift(prob=0.3, num_control_points=(6, 12)),
        RandGaussianSmooth(prob=0.4, sigma_x=(0.2, 0.8), sigma_y=(0.2, 0.8), sigma_z=(0.2, 1.5)),
        RandGaussianNoise(prob=0.8, std=45.0),
    ]
)


@dataclass(frozen=True, eq=False)
class MaskExample:
    """What the network is shown, and what it should find.

    Args:
        ct: HU on the network's crop.
        shares: (3, I, J, K) float32, 0..1: how much of each voxel is cancellous bone of T12, L1, L2.
        height_mm: (2,) superior coordinates of the box's lower and upper edge.
    """

    ct: Volume
    shares: np.ndarray
    height_mm: np.ndarray

    def tensors(self) -> tuple[Tensor, Tensor]:
        """The network's input (2, I, J, K), and the share of each class (4, I, J, K), background first."""
        background = (1 - self.shares.sum(axis=0, keepdims=True)).clip(0)
        target = np.concatenate((background, self.shares)).astype(np.float32)
        return torch.from_numpy(segmentation_input(self.ct, self.height_mm, WINDOW)), torch.from_numpy(target)


def crop_of(sample: Sample) -> Grid:
    """The network's grid around the middle of the sample's box."""
    return Grid.axis_aligned(SIZE, (CROP_SPACING_MM,) * 3, sample.ct.grid.bounds_ras.mean(axis=1))


def plain(sample: Sample) -> MaskExample:
    """A sample as it is."""
    crop = crop_of(sample)
    start = np.round(sample.ct.grid.index_of(crop.ras_of(np.zeros(3)))).astype(int)
    i, j, k = (slice(s, s + n) for s, n in zip(start, SIZE, strict=True))
    shares = sample.shares[:, i, j, k] / np.float32(255)
    return MaskExample(Volume(sample.ct.array[i, j, k], crop), shares, box_ras(sample.labels)[2])


def augmented(sample: Sample, rng: np.random.Generator) -> MaskExample:
    """A sample bent, turned, stretched, perhaps cut off, and given another density, noise and sharpness."""
    seed = int(rng.integers(2**31))
    # Zero padding is air.
    pair: dict[Hashable, Any] = {"ct": sample.ct.array[None] - AIR_HU, "shares": sample.shares / np.float32(255)}
    if rng.random() < 0.5:
        pair = {key: value[:, ::-1].copy() for key, value in pair.items()}
    pair = {key: np.asarray(value) for key, value in SHAPE.set_random_state(seed)(pair).items()}
    crop = crop_of(sample)
    ct, shares = pair["ct"][0] + AIR_HU, pair["shares"]
    height = box_ras(Volume(labels_of(shares), crop))[2] + box_error(rng)
    if rng.random() < REDRAWN:
        ct = with_other_tissues(ct, rng)
    ct = with_other_density(ct, shares, rng)
    ct = np.asarray(INTENSITY.set_random_state(seed)(ct[None]))[0].astype(np.float32)
    if rng.random() < THICK:
        ct, shares = in_thick_slices(ct, shares, rng)
    if rng.random() < CUT:
        ct, shares = cut_off(ct, shares, rng)
    return MaskExample(Volume(ct, crop), shares, height)


def box_error(rng: np.random.Generator) -> np.ndarray:
    """(2,) mm by which the localizer misses the lower and the upper edge."""
    shift = np.clip(rng.normal(0, SHIFT_SD_MM), -2.5 * SHIFT_SD_MM, 2.5 * SHIFT_SD_MM)
    return shift + rng.uniform(-EDGE_JITTER_MM, EDGE_JITTER_MM, 2)


def with_other_tissues(ct: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every tissue's HU drawn anew, so that the network leans on shapes (Billot et al., "SynthSeg", MIA 2023).

    Neighbouring tissues may change places on the HU scale; between two of them the new HU are interpolated, as
    partial volume is.
    """
    redrawn = np.asarray(TISSUES_HU) + rng.normal(0, TISSUES_SD_HU)
    return np.interp(ct, TISSUES_HU, redrawn).astype(np.float32)


def with_other_density(ct: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Adds or removes hydroxyapatite, a little differently in each vertebra, up to the cortex: no edge betrays it."""
    bone = F.max_pool3d(torch.from_numpy(shares), 3, stride=1, padding=1).numpy()
    change = rng.normal(0, 30) + rng.normal(0, 8, len(VERTEBRAE))
    slope = line_for(None).slope_hu_per_mg_cm3
    return ct + np.tensordot((slope * change).astype(np.float32), bone, axes=1)


def in_thick_slices(ct: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The scan as if it had been reconstructed in thick slices, and masks as they are drawn on those: of whole voxels.

    Both come back to the crop's own slices by linear interpolation.
    """
    thickness = rng.uniform(*THICK_MM) / CROP_SPACING_MM
    places = np.arange(ct.shape[2])
    middles = np.arange(rng.uniform(0, thickness), places[-1], thickness)
    gather, spread = slices_at(places, middles, thickness)
    return ct @ gather.T @ spread, (shares @ gather.T > 0.5).astype(np.float32) @ spread


def slices_at(places: np.ndarray, middles: np.ndarray, thickness: float) -> tuple[np.ndarray, np.ndarray]:
    """What slices of a thickness gather of planes one apart, and how they are spread back by linear interpolation.

    Args:
        places: (N,) of the planes.
        middles: (M,) of the slices; each has to reach a plane.

    Returns:
        Two (M, N) float32 arrays; the rows of the first sum to 1.
    """
    overlap = (thickness + 1) / 2 - np.abs(middles[:, None] - places)
    gather = overlap.clip(0, 1).astype(np.float32)
    gather /= gather.sum(axis=1, keepdims=True)
    spread = np.stack([np.interp(places, middles, row) for row in np.eye(len(middles))]).astype(np.float32)
    return gather, spread


def cut_off(
    ct: np.ndarray, truth: np.ndarray, rng: np.random.Generator, *, most: int = 28, below: float = 0.6
) -> tuple[np.ndarray, np.ndarray]:
    """The scan as if it had begun or ended within what is shown.

    Args:
        ct: HU (I, J, K).
        truth: (..., I, J, K), 0 outside.
        most: slices that are lost, less one.
        below: share of the cuts that are at the lower end.
    """
    slices = int(rng.integers(4, most))
    outside = slice(None, slices) if rng.random() < below else slice(-slices, None)
    ct, truth = ct.copy(), truth.copy()
    ct[..., outside], truth[..., outside] = AIR_HU, 0
    return ct, truth


def entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross entropy alone: its least value gives each class its share, where Dice draws masks too large."""
    return F.cross_entropy(logits, target)


def dice_and_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Dice loss and cross entropy; (N, 4, I, J, K) and the same of shares."""
    return DiceLoss(softmax=True, soft_label=True)(logits, target) + entropy(logits, target)


@dataclass(eq=False)
class SegmentationTask:
    """One of four draws comes from a real CT where there are any, else all from virtual patients."""

    real: Sequence[Sample]
    virtual: Sequence[Sample]
    held_out: Sequence[Sample]
    batch_size: int = 1
    bears_bfloat16: bool = True
    objective: Callable[[Tensor, Tensor], Tensor] = dice_and_entropy
    design = DESIGN
    criterion = "greatest mean Dice of the vertebrae"
    needs = "masks of T12, L1 and L2"
    least_batch_size = 1

    def __post_init__(self) -> None:
        self.real = [sample for sample in self.real if sample.shows_all]
        self.virtual = [sample for sample in self.virtual if sample.shows_all]
        self.held_out = [sample for sample in self.held_out if sample.shows_all]
        self.network = AnatomyNet(in_channels=2, classes=4)

    @property
    def cases(self) -> int:
        """How many are fitted."""
        return len(self.real) + len(self.virtual)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(N, 2, I, J, K) inputs, and (N, 4, I, J, K) the share of each class."""
        pairs = [self._draw(rng) for _ in range(self.batch_size)]
        return torch.stack([image for image, _ in pairs]), torch.stack([target for _, target in pairs])

    def _draw(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        return augmented(drawn(rng, self.real, self.virtual, REAL), rng).tensors()

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """The scalar to minimise."""
        image, target = (part.to(device_of(self.network)) for part in batch)
        logits = self.network(image).float()
        return self.objective(logits, target)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean Dice of each vertebra on the held-out patients, at 1.5 mm, with the true box."""
        self.network.eval()
        metric = DiceMetric(include_background=False)
        for sample in self.held_out:
            image, target = plain(sample).tensors()
            guess = self.network(image[None].to(device_of(self.network))).argmax(dim=1, keepdim=True).cpu()
            metric(one_hot(guess, 4), one_hot(target[None].argmax(dim=1, keepdim=True), 4))
        self.network.train()
        dice = torch.as_tensor(metric.aggregate("mean_batch")).tolist()
        return {f"dice_{name}": value for name, value in zip(VERTEBRAE, dice, strict=True)}

    def merit(self, figures: Mapping[str, float]) -> tuple[float, ...]:
        """See `criterion`."""
        return (float(np.mean([figures[f"dice_{name}"] for name in VERTEBRAE])),)


STAGE = Stage(
    SegmentationTask,
    recipes={
        "default": Recipe(2e-3, Steps(1600), dice_and_entropy),
        "edges": Recipe(1e-3, Steps(1000), entropy),  # of a model that finds the vertebrae already
    },
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints nothing but progress; bad input ends with one line and exit status 2."""
    run_command(__doc__, STAGE, arguments, "opportunistic-bmd-lab fit-segmentation")


if __name__ == "__main__":
    main()
