"""Fits the skeleton's network: `opportunistic-bmd-lab fit-skeleton --samples DIR --run DIR -o MODELS`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.losses import DiceLoss
from monai.metrics import DiceMetric
from monai.networks.utils import one_hot
from monai.transforms import Compose, RandAffined, RandGaussianNoise, RandGaussianSmooth, RandHistogramShift
from torch import Tensor
from torch.nn import functional as F

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.volume import AIR_HU
from OpportunisticBMDLib.models.modules import device_of
from OpportunisticBMDLib.networks.skeleton_net import SkeletonNet
from OpportunisticBMDLib.stages.skeleton import skeleton_input
from OpportunisticBMDTraining.fit.command import Stage, run_command
from OpportunisticBMDTraining.fit.design import Design
from OpportunisticBMDTraining.fit.recipe import Recipe, Steps
from OpportunisticBMDTraining.fit.samples.sets import drawn
from OpportunisticBMDTraining.fit.samples.skeletons import SPACING_MM, SkeletonSample, load_skeletons
from OpportunisticBMDTraining.fit.tasks.segmentation import cut_off, slices_at, with_other_tissues

SIZE = (80, 80, 192)  # what the network sees of a scan
PATCH = (80, 80, 128)  # what it is fitted on: nearly as much, for norms are taken over all of it
WINDOW = {"low_hu": -200.0, "high_hu": 800.0}
CLASSES = tuple(bone.name.lower() for bone in Bone)
WEIGHTS = (0.3, 1.0, 1.5, 4.0, 1.5, 4.0, 0.7)  # of the bones in the cross entropy: ribs are thin, and decide
SMOOTH_VOXELS = 200.0
THICK, THICK_MM = 0.35, (3.0, 10.0)  # share of the scans that come in thick slices
CUT = 0.3  # share of the patches that an end of the scan crosses
REDRAWN = 0.35  # share of the scans whose tissues get other HU
REAL = 0.4  # share of the draws from real CTs

# How exactly ribs are seen until `fit-ribs` has measured it.
UNMEASURED = {"length_bias_mm": 0.0, "length_sd_mm": 5.0, "missed": 0.01}

DESIGN = Design(
    stage="skeleton",
    name="skeleton-unet",
    parameters={"in_channels": 1, "classes": len(CLASSES), "widths": [12, 24, 48, 80]},
    spacing_mm=SPACING_MM,
    size=SIZE,
    window=WINDOW,
    outputs={"classes": list(CLASSES), "ribs": UNMEASURED},
    purpose="vertebral bodies, discs, ribs, arches, sacrum and hips in CT, by which the vertebrae are named",
)

SHAPE = RandAffined(
    keys=("ct", "bones"),
    prob=0.9,
    rotate_range=(0.2, 0.15, 0.15),
    shear_range=(0.1,) * 6,
    translate_range=(6, 6, 0),
    scale_range=((-0.2, 0.25),) * 3,
    mode=("bilinear", "nearest"),
    padding_mode="border",
)
INTENSITY = Compose(
    [
        RandHistogramShift(prob=0.3, num_control_points=(6, 12)),
        RandGaussianSmooth(prob=0.4, sigma_x=(0.2, 0.8), sigma_y=(0.2, 0.8), sigma_z=(0.2, 1.2)),
        RandGaussianNoise(prob=0.8, std=45.0),
    ]
)


def augmented(sample: SkeletonSample, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A patch of a sample, turned, stretched, perhaps cut off, and given other HU, noise and sharpness.

    Returns:
        HU (I, J, K) and `Bone` of the same shape.
    """
    seed = int(rng.integers(2**31))
    ct, bones = _patch(sample, rng)
    pair: dict[Hashable, Any] = {"ct": ct[None].astype(np.float32), "bones": bones[None].astype(np.float32)}
    if rng.random() < 0.5:
        pair = {key: value[:, ::-1].copy() for key, value in pair.items()}
    pair = {key: np.asarray(value) for key, value in SHAPE.set_random_state(seed)(pair).items()}
    ct, bones = pair["ct"][0], pair["bones"][0].astype(np.uint8)
    ct, bones = _inner(ct), _inner(bones)
    if rng.random() < REDRAWN:
        ct = with_other_tissues(ct, rng)
    if rng.random() < THICK:
        ct = in_thick_slices(ct, float(rng.uniform(*THICK_MM)) / SPACING_MM, float(rng.random()))
    ct = np.asarray(INTENSITY.set_random_state(seed)(ct[None]))[0].astype(np.float32)
    if rng.random() < CUT:
        ct, bones = cut_off(ct, bones, rng, most=PATCH[2] // 2, below=0.5)
    return ct, bones


def _patch(sample: SkeletonSample, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A part of the sample a little larger than `PATCH`, moved at random along the spine and beside it."""
    wanted = [n + 16 for n in PATCH]
    ct, bones = sample.ct.array, sample.bones.array
    short = [max(w - n, 0) for w, n in zip(wanted, ct.shape)]
    if any(short):
        pad = [(n // 2, n - n // 2) for n in short]
        ct, bones = np.pad(ct, pad, constant_values=int(AIR_HU)), np.pad(bones, pad)
    # The ends of the scan come more often: the sacrum, and ribs that are cut.
    start = [int(np.clip(rng.integers(-w // 4, n - w + w // 4 + 1), 0, n - w)) for n, w in zip(ct.shape, wanted)]
    part = tuple(slice(s, s + w) for s, w in zip(start, wanted))
    return ct[part], bones[part]


def _inner(array: np.ndarray) -> np.ndarray:
    """Without the rim that turning has filled."""
    return array[8:-8, 8:-8, 8:-8]


def in_thick_slices(ct: np.ndarray, thickness: float, offset: float) -> np.ndarray:
    """As if reconstructed in slices of `thickness` voxels, brought back by linear interpolation.

    Args:
        offset: of the first slice, in slices.
    """
    places = np.arange(ct.shape[2])
    middles = np.arange(offset * thickness, places[-1] + (thickness + 1) / 2, thickness)
    gather, spread = slices_at(places, middles, thickness)
    return ct @ gather.T @ spread


def dice_and_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Dice loss of the bones and weighted cross entropy; (N, C, I, J, K) and (N, 1, I, J, K) of `Bone`."""
    weight = torch.tensor(WEIGHTS, device=logits.device)
    # Most patches lack some bones: without smoothing, what is not there would count as much as what is.
    dice = DiceLoss(
        include_background=False,
        to_onehot_y=True,
        softmax=True,
        batch=True,
        smooth_nr=SMOOTH_VOXELS,
        smooth_dr=SMOOTH_VOXELS,
    )
    return dice(logits, target) + F.cross_entropy(logits, target[:, 0], weight=weight)


@dataclass(eq=False)
class SkeletonTask:
    """Two of five draws come from a real CT where there are any, else all from virtual patients."""

    real: Sequence[SkeletonSample]
    virtual: Sequence[SkeletonSample]
    held_out: Sequence[SkeletonSample]
    batch_size: int = 2
    bears_bfloat16: bool = True
    objective: Callable[[Tensor, Tensor], Tensor] = dice_and_entropy
    design = DESIGN
    criterion = "greatest mean Dice of bodies and ribs"
    needs = "bones"
    least_batch_size = 1

    def __post_init__(self) -> None:
        self.network = SkeletonNet(**DESIGN.parameters)

    @property
    def cases(self) -> int:
        """How many are fitted."""
        return len(self.real) + len(self.virtual)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(N, 1, I, J, K) inputs, and the same of `Bone`."""
        pairs = [augmented(drawn(rng, self.real, self.virtual, REAL), rng) for _ in range(self.batch_size)]
        images = torch.from_numpy(np.stack([skeleton_input(ct, WINDOW) for ct, _ in pairs]))
        return images, torch.stack([torch.from_numpy(bones[None].astype(np.int64)) for _, bones in pairs])

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """The scalar to minimise."""
        image, target = (part.to(device_of(self.network)) for part in batch)
        return self.objective(self.network(image).float(), target)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean Dice of each bone on the held-out patients."""
        self.network.eval()
        metric = DiceMetric(include_background=False)
        for sample in self.held_out:
            sizes = [16 * (n // 16) for n in sample.ct.grid.size]
            part = tuple(slice(0, n) for n in sizes)
            image = torch.from_numpy(skeleton_input(sample.ct.array[part].astype(np.float32), WINDOW))[None]
            guess = self.network(image.to(device_of(self.network))).argmax(dim=1, keepdim=True).cpu()
            target = torch.from_numpy(sample.bones.array[part].astype(np.int64))[None, None]
            metric(one_hot(guess, len(CLASSES)), one_hot(target, len(CLASSES)))
        self.network.train()
        dice = torch.as_tensor(metric.aggregate("mean_batch")).tolist()
        return {f"dice_{name}": value for name, value in zip(CLASSES[1:], dice, strict=True)}

    def merit(self, figures: Mapping[str, float]) -> tuple[float, ...]:
        """See `criterion`."""
        return ((figures["dice_body"] + figures["dice_rib"]) / 2,)


STAGE = Stage(SkeletonTask, recipes={"default": Recipe(3e-3, Steps(2500), dice_and_entropy)}, load=load_skeletons)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints nothing but progress; bad input ends with one line and exit status 2."""
    run_command(__doc__, STAGE, arguments, "opportunistic-bmd-lab fit-skeleton")


if __name__ == "__main__":
    main()
