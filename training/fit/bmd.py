"""Fits the 3D DenseNet: `python -m training.fit.bmd --samples DIR --run DIR -o MODELS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import ClassVar

import numpy as np
import torch
from monai.losses import FocalLoss
from monai.transforms import RandAffine
from scipy import ndimage
from scipy.stats import norm
from sklearn.linear_model import Ridge
from torch import Tensor, nn
from torch.nn import functional as F

from OpportunisticBMDLib.bone import extent, grown
from OpportunisticBMDLib.calibration import REFERENCE_KVP
from OpportunisticBMDLib.measure import PROFILE, bmd_input
from OpportunisticBMDLib.models import device_of
from OpportunisticBMDLib.networks.densenet import DenseNet121
from OpportunisticBMDLib.profile import Profile, ProfileLine, core_and_profile
from OpportunisticBMDLib.result import Calibration
from OpportunisticBMDLib.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.volume import Volume
from training.fit.cases import drawn
from training.fit.command import Stage, run_command
from training.fit.design import Design
from training.fit.prepare import Sample
from training.fit.recipe import Epochs, Recipe, Steps, multi_step

SPACING_MM = 2.25  # coarser than the masks' grid: a mean needs no finer one, and its noise is lower
SIZE = (32, 32, 32)
WINDOW = {"low_hu": -250.0, "high_hu": 550.0}
BINS = np.arange(-60.0, 61.0, 2.0)  # mg/cm3: corrections of what the calibration line gives for the profile
TARGET_SD = 3.0  # mg/cm3: the spread of the target over the bins, about a good reading's error
MEAN_WEIGHT = 0.2  # of the expectation's error beside the cross entropy
REAL = 0.4  # share of the draws from annotated cases, beside virtual patients
ROOM = 5  # voxels around a mask that a draw keeps: the network sees none of them, but edges are drawn anew
RIDGE = 100.0  # (mg/cm3)^2: next to nothing among hundreds of vertebrae, a restraint among a few
ALPHA, GAMMA = 0.6, 2.0  # of the paper's focal loss

DESIGN = Design(
    stage="bmd",
    name="densenet121",
    parameters={"in_channels": 1, "outputs": len(BINS)},
    spacing_mm=SPACING_MM,
    size=SIZE,
    window=WINDOW,
    outputs={"bin_corrections_mg_cm3": BINS.tolist(), "reference_kvp": REFERENCE_KVP},
    purpose="hydroxyapatite density of cancellous bone in CT",
)

# Turned and stretched, a patient is not known again by shape and texture: there are few of them.
POSE = RandAffine(
    prob=0.8,
    rotate_range=(0.15, 0.15, 0.15),
    scale_range=(0.1, 0.1, 0.1),
    translate_range=(2, 2, 2),
    mode="bilinear",
    padding_mode="zeros",
)


def augmented(
    sample: Sample, vertebra: str, change: float, rng: np.random.Generator, room: int = ROOM
) -> tuple[Volume, Volume]:
    """A vertebra whose cancellous bone holds `change` mg/cm3 more, with other noise and a slightly other mask.

    Args:
        room: voxels around the masks, the drawn one and the true one, that are kept.
    """
    label = LABELS[vertebra]
    either = np.logical_or(sample.labels.array == label, sample.masks.array == label)
    region = grown(extent(either), either.shape, room)
    grid = sample.ct.grid.cropped([r.start for r in region], sample.labels.array[region].shape)
    bone = (sample.labels.array[region] > 0).astype(np.float32)
    # Whole inside, fading outside: the true mean changes by `change`, and no edge betrays it.
    bone = np.maximum(bone, ndimage.gaussian_filter(bone, 0.6))
    ct = sample.ct.array[region] + sample.line.slope_hu_per_mg_cm3 * change * bone
    ct = ct + rng.normal(0, rng.uniform(0, 25), ct.shape).astype(np.float32)
    mask = _with_moved_edges(sample.masks.array[region] == label, rng)
    return Volume(ct, grid), Volume(np.where(mask, label, 0).astype(np.uint8), grid)


def _with_moved_edges(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mask as it may also be drawn: its edge a fraction of a voxel further inside or outside."""
    noise = ndimage.gaussian_filter(rng.normal(0, 1, mask.shape).astype(np.float32), 2)
    noise *= 0.12 / noise.std()
    return ndimage.gaussian_filter(mask.astype(np.float32), 0.8) + noise > rng.normal(0.5, 0.06)


def profile_line(samples: Sequence[Sample]) -> ProfileLine:
    """Weights by which profiles tell how the true densities differ from the cores', by ridge regression."""
    seen, wanted = [], []
    for sample in samples:
        for name in known_vertebrae(sample):
            core, figures = core_and_profile(sample.ct, sample.masks, name, sample.line)
            seen.append(figures)
            wanted.append(sample.bmd_mg_cm3[name] - core)
    fitted = Ridge(alpha=RIDGE).fit(seen, wanted)
    return ProfileLine(dict(zip(Profile._fields, fitted.coef_.tolist(), strict=True)), float(fitted.intercept_))


def target_of(correction: Tensor) -> Tensor:
    """(N,) mg/cm3 -> (N, B): a normal distribution over the bins."""
    edges = np.append(BINS - 1, BINS[-1] + 1)
    cumulative = norm.cdf((edges[None] - correction.numpy()[:, None]) / TARGET_SD)
    target = np.diff(cumulative, axis=1)
    return torch.from_numpy(target / target.sum(axis=1, keepdims=True)).float()


def expectation(logits: Tensor) -> Tensor:
    """(N, B) -> (N,) mg/cm3: the mean correction."""
    return logits.softmax(dim=1) @ torch.as_tensor(BINS, dtype=torch.float32, device=logits.device)


def entropy_and_mean(logits: Tensor, correction: Tensor) -> Tensor:
    """Cross entropy over the bins, and the error of their mean beside it; (N, B) and (N,) mg/cm3."""
    error = F.smooth_l1_loss(expectation(logits), correction.float().to(logits.device), beta=5.0)
    return F.cross_entropy(logits, target_of(correction).to(logits.device)) + MEAN_WEIGHT * error


def focal(logits: Tensor, correction: Tensor) -> Tensor:
    """The paper's alpha-balanced focal loss over the bins; (N, B) and (N,) mg/cm3."""
    return focal_of_classes(logits, target_of(correction).to(logits.device))


def focal_of_classes(logits: Tensor, target: Tensor) -> Tensor:
    """The paper's focal loss; (N, C) and the share of each class, (N, C).

    No class is a background, so that each has the same alpha.
    """
    each = FocalLoss(use_softmax=True, gamma=GAMMA, alpha=[ALPHA] * target.shape[1], reduction="none")
    return each(logits, target).sum(dim=1).mean()


@dataclass(eq=False)
class BmdTask:
    """Vertebrae of known density: of virtual patients all are, of annotated cases those with a reference."""

    real: Sequence[Sample]
    virtual: Sequence[Sample]
    held_out: Sequence[Sample]
    batch_size: int = 8
    # oneDNN leaves parts of the weights' gradient undefined where 3x3x3 kernels meet maps of a voxel or two.
    bears_bfloat16: bool = False
    objective: Callable[[Tensor, Tensor], Tensor] = entropy_and_mean
    frame: ClassVar[Design] = DESIGN
    shown: ClassVar[Callable[..., Tensor]] = staticmethod(bmd_input)
    expected: ClassVar[Callable[[Tensor], Tensor]] = staticmethod(expectation)
    room: ClassVar[int] = ROOM
    criterion = "least RMS error of the BMD"
    needs = "a vertebra of known BMD"
    least_batch_size = 2  # its last maps are single voxels, which batch normalization cannot normalize alone

    def __post_init__(self) -> None:
        self.real = [sample for sample in self.real if known_vertebrae(sample)]
        self.virtual = [sample for sample in self.virtual if known_vertebrae(sample)]
        self.held_out = [sample for sample in self.held_out if known_vertebrae(sample)]
        self.network = DenseNet121(**self.frame.parameters)
        for parameter in self.network.classify.parameters():
            nn.init.zeros_(parameter)  # every correction is equally likely: the fit begins at the line
        self._card = self.frame.card()  # grid and window, which `bmd_input` asks for at every draw

    @cached_property
    def base(self) -> Callable[..., float]:
        """What gives the density that the network corrects; of CT, labels, vertebra and calibration."""
        return profile_line([*self.real, *self.virtual])

    @property
    def design(self) -> Design:
        return replace(self.frame, outputs={**self.frame.outputs, PROFILE: asdict(self.base)})

    @property
    def cases(self) -> int:
        return len(self.real) + len(self.virtual)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        pairs = [self._draw(rng) for _ in range(self.batch_size)]
        return torch.stack([image for image, _ in pairs]), torch.tensor([correction for _, correction in pairs])

    def _draw(self, rng: np.random.Generator) -> tuple[Tensor, float]:
        sample = drawn(rng, self.real, self.virtual, REAL)
        vertebra = str(rng.choice(known_vertebrae(sample)))
        truth = sample.bmd_mg_cm3[vertebra]
        # A flat spread of densities: rare ones are learnt as well as common ones.
        change = float(np.clip(rng.uniform(10, 270) - truth, -80, 80))
        ct, labels = augmented(sample, vertebra, change, rng, self.room)
        image, base = self._reading(ct, labels, vertebra, sample.line)
        if rng.random() < 0.5:
            image = image.flip(1)
        image = torch.as_tensor(np.asarray(POSE.set_random_state(int(rng.integers(2**31)))(image)))
        return image, truth + change - base

    def _reading(self, ct: Volume, labels: Volume, vertebra: str, calibration: Calibration) -> tuple[Tensor, float]:
        """The network's input, and the density that its answer is added to."""
        image = self.shown(ct, labels, vertebra, calibration, self._card)
        return image, self.base(ct, labels, vertebra, calibration)

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        image, correction = batch
        return self.objective(self.network(image.to(device_of(self.network))), correction)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Bias, SD and RMS of the error of held-out vertebrae, and those of the line that it corrects, mg/cm3."""
        self.network.eval()
        errors, of_line = [], []
        for sample in self.held_out:
            for name in known_vertebrae(sample):
                image, line = self._reading(sample.ct, sample.masks, name, sample.line)
                correction = self.expected(self.network(image[None].to(device_of(self.network)))).item()
                of_line.append(line - sample.bmd_mg_cm3[name])
                errors.append(line + correction - sample.bmd_mg_cm3[name])
        self.network.train()
        return {
            "bias_mg_cm3": float(np.mean(errors)),
            "error_sd_mg_cm3": _sd(errors),
            "rms_error_mg_cm3": float(np.sqrt(np.mean(np.square(errors)))),
            "line_bias_mg_cm3": float(np.mean(of_line)),
            "line_error_sd_mg_cm3": _sd(of_line),
        }

    def merit(self, figures: Mapping[str, float]) -> tuple[float, ...]:
        return (-figures["rms_error_mg_cm3"],)


def known_vertebrae(sample: Sample) -> list[str]:
    """The vertebrae that have both a mask and a known density."""
    maps = (sample.labels.array, sample.masks.array)
    return [
        name
        for name in VERTEBRAE
        if np.isfinite(sample.bmd_mg_cm3[name]) and all((labels == LABELS[name]).any() for labels in maps)
    ]


def _sd(errors: Sequence[float]) -> float:
    """0 for a single one."""
    return float(np.std(errors, ddof=1)) if len(errors) > 1 else 0.0


STAGE = Stage(
    BmdTask,
    recipes={
        "default": Recipe(5e-4, Steps(700), entropy_and_mean),
        "paper": Recipe(
            3e-5,
            Epochs(50),
            focal,
            every=Epochs(1),
            optimizer=torch.optim.Adam,
            schedule=partial(multi_step, milestones=(16, 33), gamma=0.1),
        ),
    },
)

if __name__ == "__main__":
    run_command(__doc__, STAGE)
