"""Fits the 3D DenseNet: `opportunistic-bmd-lab fit-bmd --samples DIR --run DIR -o MODELS`.

The samples are those of `opportunistic-bmd-lab readings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from monai.losses import FocalLoss
from monai.transforms import RandAffine
from scipy.stats import norm
from torch import Tensor, nn
from torch.nn import functional as F

from OpportunisticBMDLib.calibration import REFERENCE_KVP
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.models.modules import device_of
from OpportunisticBMDLib.networks.densenet import DenseNet121
from OpportunisticBMDLib.stages.measure import BASE, BINS, REGION, body_mask, windowed
from OpportunisticBMDTraining.fit.command import Stage, run_command
from OpportunisticBMDTraining.fit.design import Design
from OpportunisticBMDTraining.fit.recipe import Epochs, Recipe, Steps, multi_step
from OpportunisticBMDTraining.fit.samples.examples import (
    SIZE,
    SPACING_MM,
    ReadingSample,
    VertebraExample,
    load_readings,
    region_of,
)
from OpportunisticBMDTraining.fit.samples.readings import prepare_case_readings
from OpportunisticBMDTraining.fit.samples.sets import drawn

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


def with_mineral(example: VertebraExample, change: float) -> VertebraExample:
    """The same bone with so much more mineral in it, mg/cm3."""
    return replace(
        example,
        crop=example.crop + np.float32(change) * example.share,
        reading=example.reading + change * example.gain,
        truth=example.truth + change,
    )


def beside_reading(example: VertebraExample, card: ModelCard) -> np.ndarray:
    """(I, J, K) how the body differs from its reading, as `measure.correction_input` shows it."""
    return windowed(example.crop - example.reading, card) * body_mask(*region_of(example))


def reading(example: VertebraExample) -> float:
    """mg/cm3, what the network corrects."""
    return example.reading


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


@dataclass(frozen=True, eq=False)
class Way:
    """A way from a crop of the CT to a BMD.

    Args:
        design: of the network.
        shown: (I, J, K) what the network sees of an example, through the window of the model's card.
        base: mg/cm3, what the network's answer for an example is added to.
        answer: (N, B) logits -> (N,) mg/cm3.
    """

    design: Design
    shown: Callable[[VertebraExample, ModelCard], np.ndarray]
    base: Callable[[VertebraExample], float]
    answer: Callable[[Tensor], Tensor]


CORRECTION = Way(DESIGN, beside_reading, reading, expectation)


@dataclass(eq=False)
class BmdTask:
    """Readings beside the truth: those of virtual patients, and of annotated cases with a reference.

    Args:
        real: annotated cases that are fitted; those without an example are left out, here and below.
        virtual: virtual patients that are fitted.
        held_out: cases that validate.
        objective: the loss of (N, B) logits and (N,) mg/cm3, truth minus base.
        way: from a crop to a BMD.
    """

    real: Sequence[ReadingSample]
    virtual: Sequence[ReadingSample]
    held_out: Sequence[ReadingSample]
    batch_size: int = 8
    # oneDNN leaves parts of the weights' gradient undefined where 3x3x3 kernels meet maps of a voxel or two.
    bears_bfloat16: bool = False
    objective: Callable[[Tensor, Tensor], Tensor] = entropy_and_mean
    way: Way = CORRECTION
    criterion = "least RMS error of the BMD"
    needs = "a vertebra of known BMD"
    least_batch_size = 2  # its last maps are single voxels, which batch normalization cannot normalize alone

    def __post_init__(self) -> None:
        self.real = _with_examples(self.real)
        self.virtual = _with_examples(self.virtual)
        self.held_out = _with_examples(self.held_out)
        self.network = DenseNet121(**self.design.parameters)
        for parameter in self.network.classify.parameters():
            nn.init.zeros_(parameter)  # every correction is equally likely: the fit begins at the reading
        self._card = self.design.card()

    @property
    def design(self) -> Design:
        """Of the network that is fitted."""
        return self.way.design

    @property
    def cases(self) -> int:
        """How many are fitted."""
        return len(self.real) + len(self.virtual)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(N, 1, I, J, K) what the network sees, and (N,) mg/cm3, truth minus base."""
        pairs = [self._draw(rng) for _ in range(self.batch_size)]
        return torch.stack([image for image, _ in pairs]), torch.tensor([correction for _, correction in pairs])

    def _draw(self, rng: np.random.Generator) -> tuple[Tensor, float]:
        examples = drawn(rng, self.real, self.virtual, REAL).examples
        example = examples[rng.integers(len(examples))]
        # A flat spread of densities: rare ones are learnt as well as common ones.
        example = with_mineral(example, float(np.clip(rng.uniform(0, 250) - example.truth, -MOST_ADDED, MOST_ADDED)))
        image = torch.from_numpy(self.way.shown(example, self._card))[None]
        if rng.random() < 0.5:
            image = image.flip(1)
        image = torch.as_tensor(np.asarray(POSE.set_random_state(int(rng.integers(2**31)))(image)))
        return image, example.truth - self.way.base(example)

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """The scalar to minimise."""
        image, correction = batch
        return self.objective(self.network(image.to(device_of(self.network))), correction)

    @torch.no_grad()
    def found(self, examples: Sequence[VertebraExample]) -> np.ndarray:
        """(N,) mg/cm3, the BMD of each example."""
        self.network.eval()
        device, found = device_of(self.network), []
        for start in range(0, len(examples), 64):
            part = examples[start : start + 64]
            images = np.stack([self.way.shown(example, self._card) for example in part])[:, None]
            answers = self.way.answer(self.network(torch.from_numpy(images).to(device))).cpu().numpy()
            found.append(answers + np.array([self.way.base(example) for example in part]))
        self.network.train()
        return np.concatenate(found)

    def validate(self) -> dict[str, float]:
        """Bias, SD and RMS of the error of held-out readings, with and without the network, mg/cm3."""
        examples = [example for sample in self.held_out for example in sample.examples]
        truth = np.array([example.truth for example in examples])
        errors, of_reading = self.found(examples) - truth, np.array([example.reading for example in examples]) - truth
        return {
            "bias_mg_cm3": float(errors.mean()),
            "error_sd_mg_cm3": _sd(errors),
            "rms_error_mg_cm3": float(np.sqrt(np.mean(errors**2))),
            "reading_bias_mg_cm3": float(of_reading.mean()),
            "reading_error_sd_mg_cm3": _sd(of_reading),
        }

    def merit(self, figures: Mapping[str, float]) -> tuple[float, ...]:
        """See `criterion`."""
        return (-figures["rms_error_mg_cm3"],)


def _with_examples(samples: Sequence[ReadingSample]) -> list[ReadingSample]:
    return [sample for sample in samples if sample.examples]


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints nothing but progress; bad input ends with one line and exit status 2."""
    run_command(__doc__, STAGE, arguments, "opportunistic-bmd-lab fit-bmd")


if __name__ == "__main__":
    main()
