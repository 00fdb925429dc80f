"""Fits the 3D DenseNet: `python -m training.fit.bmd --samples DIR --run DIR -o MODELS`.

The samples are those of `training.fit.readings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from monai.losses import FocalLoss
from monai.transforms import RandAffine
from scipy.stats import norm
from torch import Tensor, nn
from torch.nn import functional as F

from OpportunisticBMDLib.calibration import REFERENCE_KVP
from OpportunisticBMDLib.measure import BASE, BINS, REGION, body_mask, windowed
from OpportunisticBMDLib.models import ModelCard, device_of
from OpportunisticBMDLib.networks.densenet import DenseNet121
from training.fit.cases import drawn
from training.fit.command import Stage, run_command
from training.fit.design import Design
from training.fit.looks import (
    SIZE,
    SPACING_MM,
    Look,
    ReadingSample,
    load_readings,
    region_of,
)
from training.fit.readings import prepare_case_readings
from training.fit.recipe import Epochs, Recipe, Steps, multi_step

WINDOW = {"low_hu": -250.0, "high_hu": 350.0}  # of what is less dense than the region, and of what is denser
CORRECTIONS = np.arange(-30.0, 30.5, 1.0)  # mg/cm3: corrections of the reading
TARGET_SD = 1.0  # mg/cm3: the spread of the target over the bins, about a good reading's error
MEAN_WEIGHT = 0.2  # of the expectation's error beside the cross entropy
REAL = 0.5  # share of the draws from annotated cases, beside virtual patients
MOST_ADDED = 80.0  # mg/cm3
ALPHA, GAMMA = 0.6, 2.0  # of the paper's focal loss

DESIGN = Design(
    stage="bmd",
    name="densenet121",
    parameters={"in_channels": 1, "outputs": len(CORRECTIONS)},
    spacing_mm=SPACING_MM[0],
    size=SIZE,
    window=WINDOW,
    outputs={BINS: CORRECTIONS.tolist(), BASE: REGION, "reference_kvp": REFERENCE_KVP},
    purpose="QCT reading (hydroxyapatite in water) of the middle of vertebral bodies in CT",
)

# Turned and stretched a little, a patient is not known again by shape and texture: there are few of them.
POSE = RandAffine(
    prob=0.7,
    rotate_range=(0.08, 0.08, 0.08),
    scale_range=(0.06, 0.06, 0.06),
    mode="bilinear",
    padding_mode="zeros",
)


def with_added(look: Look, change: float) -> Look:
    """The look at the same bone with so much more mineral in it, mg/cm3."""
    return replace(
        look,
        crop=look.crop + np.float32(change) * look.share,
        reading=look.reading + change * look.gain,
        truth=look.truth + change,
    )


def shown(look: Look, card: ModelCard) -> np.ndarray:
    """(I, J, K), as `measure.correction_input` shows it."""
    return windowed(look.crop - look.reading, card) * body_mask(*region_of(look))


def reading(look: Look) -> float:
    """What the network corrects, mg/cm3."""
    return look.reading


def target_of(correction: Tensor) -> Tensor:
    """(N,) mg/cm3 -> (N, B): a normal distribution over the bins."""
    edges = np.append(CORRECTIONS - 0.5, CORRECTIONS[-1] + 0.5)
    known = correction.numpy().clip(CORRECTIONS[0], CORRECTIONS[-1])
    target = np.diff(norm.cdf((edges[None] - known[:, None]) / TARGET_SD), axis=1)
    return torch.from_numpy(target / target.sum(axis=1, keepdims=True)).float()


def expectation(logits: Tensor) -> Tensor:
    """(N, B) -> (N,) mg/cm3: the mean correction."""
    return logits.softmax(dim=1) @ torch.as_tensor(CORRECTIONS, dtype=torch.float32, device=logits.device)


def entropy_and_mean(logits: Tensor, correction: Tensor) -> Tensor:
    """Cross entropy over the bins, and the error of their mean beside it; (N, B) and (N,) mg/cm3."""
    error = F.smooth_l1_loss(expectation(logits), correction.float().to(logits.device), beta=2.0)
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
    """Readings beside the truth: those of virtual patients, and of annotated cases with a reference."""

    real: Sequence[ReadingSample]
    virtual: Sequence[ReadingSample]
    held_out: Sequence[ReadingSample]
    batch_size: int = 8
    # oneDNN leaves parts of the weights' gradient undefined where 3x3x3 kernels meet maps of a voxel or two.
    bears_bfloat16: bool = False
    objective: Callable[[Tensor, Tensor], Tensor] = entropy_and_mean
    design: ClassVar[Design] = DESIGN
    shown: ClassVar[Callable[[Look, ModelCard], np.ndarray]] = staticmethod(shown)
    base: ClassVar[Callable[[Look], float]] = staticmethod(reading)
    expected: ClassVar[Callable[[Tensor], Tensor]] = staticmethod(expectation)
    criterion = "least RMS error of the BMD"
    needs = "a vertebra of known BMD"
    least_batch_size = 2  # its last maps are single voxels, which batch normalization cannot normalize alone

    def __post_init__(self) -> None:
        for name in ("real", "virtual", "held_out"):
            setattr(self, name, [sample for sample in getattr(self, name) if sample.looks])
        self.network = DenseNet121(**self.design.parameters)
        for parameter in self.network.classify.parameters():
            nn.init.zeros_(parameter)  # every correction is equally likely: the fit begins at the reading
        self._card = self.design.card()

    @property
    def cases(self) -> int:
        return len(self.real) + len(self.virtual)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        pairs = [self._draw(rng) for _ in range(self.batch_size)]
        return torch.stack([image for image, _ in pairs]), torch.tensor([correction for _, correction in pairs])

    def _draw(self, rng: np.random.Generator) -> tuple[Tensor, float]:
        looks = drawn(rng, self.real, self.virtual, REAL).looks
        look = looks[rng.integers(len(looks))]
        # A flat spread of densities: rare ones are learnt as well as common ones.
        look = with_added(look, float(np.clip(rng.uniform(0, 250) - look.truth, -MOST_ADDED, MOST_ADDED)))
        image = torch.from_numpy(self.shown(look, self._card))[None]
        if rng.random() < 0.5:
            image = image.flip(1)
        image = torch.as_tensor(np.asarray(POSE.set_random_state(int(rng.integers(2**31)))(image)))
        return image, look.truth - self.base(look)

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        image, correction = batch
        return self.objective(self.network(image.to(device_of(self.network))), correction)

    @torch.no_grad()
    def found(self, looks: Sequence[Look]) -> np.ndarray:
        """(N,) mg/cm3, what the network makes of each look."""
        self.network.eval()
        device, found = device_of(self.network), []
        for start in range(0, len(looks), 64):
            part = looks[start : start + 64]
            images = np.stack([self.shown(look, self._card) for look in part])[:, None]
            corrections = self.expected(self.network(torch.from_numpy(images).to(device))).cpu().numpy()
            found.append(corrections + [self.base(look) for look in part])
        self.network.train()
        return np.concatenate(found)

    def validate(self) -> dict[str, float]:
        """Bias, SD and RMS of the error of held-out readings, with and without the network, mg/cm3."""
        looks = [look for sample in self.held_out for look in sample.looks]
        truth = np.array([look.truth for look in looks])
        errors, of_reading = self.found(looks) - truth, np.array([look.reading for look in looks]) - truth
        return {
            "bias_mg_cm3": float(errors.mean()),
            "error_sd_mg_cm3": _sd(errors),
            "rms_error_mg_cm3": float(np.sqrt(np.mean(errors**2))),
            "reading_bias_mg_cm3": float(of_reading.mean()),
            "reading_error_sd_mg_cm3": _sd(of_reading),
        }

    def merit(self, figures: Mapping[str, float]) -> tuple[float, ...]:
        return (-figures["rms_error_mg_cm3"],)


def _sd(errors: np.ndarray) -> float:
    """0 for a single one."""
    return float(np.std(errors, ddof=1)) if len(errors) > 1 else 0.0


STAGE = Stage(
    BmdTask,
    recipes={
        "default": Recipe(5e-4, Steps(800), entropy_and_mean),
        "paper": Recipe(
            3e-5,
            Epochs(50),
            focal,
            every=Epochs(1),
            optimizer=torch.optim.Adam,
            schedule=partial(multi_step, milestones=(16, 33), gamma=0.1),
        ),
    },
    load=load_readings,
    prepare=prepare_case_readings,
)

if __name__ == "__main__":
    run_command(__doc__, STAGE)
