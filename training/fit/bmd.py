"""Fits the 3D DenseNet: `python -m training.fit.bmd --samples DIR --run DIR -o MODELS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from scipy.stats import norm
from torch import Tensor, nn
from torch.nn import functional as F

from OpportunisticBMDLib.calibration import REFERENCE_KVP, line_for
from OpportunisticBMDLib.measure import bmd_input, line_bmd
from OpportunisticBMDLib.models import ModelCard, device_of
from OpportunisticBMDLib.networks.densenet import DenseNet121
from OpportunisticBMDLib.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.volume import Volume
from training.fit.command import run_command
from training.fit.prepare import Sample

SPACING_MM = 2.25  # coarser than the masks' grid: a mean needs no finer one, and its noise is lower
SIZE = (32, 32, 48)
WINDOW = {"low_hu": -250.0, "high_hu": 550.0}
BINS = np.arange(-60.0, 61.0, 2.0)  # mg/cm3: corrections of what the calibration line gives
TARGET_SD = 3.0  # mg/cm3: the spread of the target over the bins, about a good reading's error
MEAN_WEIGHT = 0.2  # of the expectation's error beside the cross entropy
SUBSETS = (("T12",), ("L1",), ("L2",), ("T12", "L1"), ("L1", "L2"), ("T12", "L2"), ("L1", "L2"))


def augmented(sample: Sample, change: float, rng: np.random.Generator) -> tuple[Volume, Volume]:
    """A sample whose cancellous bone holds `change` mg/cm3 more, with other noise and slightly other masks."""
    region = tuple(slice(max(0, a.min() - 5), a.max() + 6) for a in sample.labels.array.nonzero())
    grid = sample.ct.grid.cropped([r.start for r in region], sample.labels.array[region].shape)
    mask = (sample.labels.array[region] > 0).astype(np.float32)
    # Whole inside, fading outside: the true mean changes by `change`, and no edge betrays it.
    bone = np.maximum(mask, ndimage.gaussian_filter(mask, 0.6))
    ct = sample.ct.array[region] + line_for(sample.kvp).slope_hu_per_mg_cm3 * change * bone
    ct = ct + rng.normal(0, rng.uniform(0, 25), ct.shape).astype(np.float32)
    return Volume(ct, grid), Volume(_with_moved_edges(sample.labels.array[region], rng), grid)


def _with_moved_edges(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Masks as a network draws them: their edges a fraction of a voxel inside or outside the true ones."""
    noise = ndimage.gaussian_filter(rng.normal(0, 1, labels.shape).astype(np.float32), 2)
    noise *= 0.12 / noise.std()
    cut = rng.normal(0.5, 0.06)
    moved = np.zeros_like(labels)
    for label in LABELS.values():
        soft = ndimage.gaussian_filter((labels == label).astype(np.float32), 0.8)
        moved[soft + noise > cut] = label
    return moved


def target_of(correction: Tensor) -> Tensor:
    """(N,) mg/cm3 -> (N, B): a normal distribution over the bins."""
    edges = np.append(BINS - 1, BINS[-1] + 1)
    cumulative = norm.cdf((edges[None] - correction.numpy()[:, None]) / TARGET_SD)
    target = np.diff(cumulative, axis=1)
    return torch.from_numpy(target / target.sum(axis=1, keepdims=True)).float()


@dataclass(eq=False)
class BmdTask:
    """Virtual patients of which every density is known; of the public CTs none is."""

    real: Sequence[Sample]
    virtual: Sequence[Sample]
    held_out: Sequence[Sample]
    batch_size: int = 8
    # oneDNN leaves parts of the weights' gradient undefined where 3x3x3 kernels meet maps of a voxel or two.
    bears_bfloat16: bool = False

    def __post_init__(self) -> None:
        self.virtual = [sample for sample in self.virtual if _is_known(sample)]
        self.held_out = [sample for sample in self.held_out if _is_known(sample)]
        self.network = DenseNet121(in_channels=1, outputs=len(BINS))
        for parameter in self.network.classify.parameters():
            nn.init.zeros_(parameter)  # every correction is equally likely: the fit begins at the line
        self._card = self.card({}, {})  # grid and window, which `bmd_input` asks for at every draw

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        drawn = [self._draw(self.virtual[rng.integers(len(self.virtual))], rng) for _ in range(self.batch_size)]
        return torch.stack([image for image, _ in drawn]), torch.tensor([correction for _, correction in drawn])

    def _draw(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, float]:
        vertebrae = SUBSETS[rng.integers(len(SUBSETS))]
        truth = true_mean(sample, vertebrae)
        # A flat spread of densities: rare ones are learnt as well as common ones.
        change = float(np.clip(rng.uniform(10, 270) - truth, -80, 80))
        ct, labels = augmented(sample, change, rng)
        image, line = self._reading(ct, labels, vertebrae, sample.kvp)
        if rng.random() < 0.5:
            image = image.flip(1)
        return image, truth + change - line

    def _reading(self, ct: Volume, labels: Volume, vertebrae: Sequence[str], kvp: float | None) -> tuple[Tensor, float]:
        """The network's input, and the density that the line gives."""
        calibration = line_for(kvp)
        image = bmd_input(ct, labels, vertebrae, calibration, self._card)
        return image, line_bmd(ct, labels, vertebrae, calibration)

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        image, correction = batch
        logits = self.network(image.to(device_of(self.network)))
        target = target_of(correction).to(device_of(self.network))
        error = F.smooth_l1_loss(self._expectation(logits), correction.float().to(device_of(self.network)), beta=5.0)
        return F.cross_entropy(logits, target) + MEAN_WEIGHT * error

    def _expectation(self, logits: Tensor) -> Tensor:
        return logits.softmax(dim=1) @ torch.as_tensor(BINS, dtype=torch.float32, device=device_of(self.network))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Bias and SD of the error of single held-out vertebrae, mg/cm3, with the true masks; the line's beside."""
        self.network.eval()
        errors, of_line = [], []
        for sample in self.held_out:
            for name in VERTEBRAE:
                image, line = self._reading(sample.ct, sample.labels, (name,), sample.kvp)
                correction = self._expectation(self.network(image[None].to(device_of(self.network)))).item()
                of_line.append(line - sample.bmd_mg_cm3[name])
                errors.append(line + correction - sample.bmd_mg_cm3[name])
        self.network.train()
        return {
            "bias_mg_cm3": float(np.mean(errors)),
            "error_sd_mg_cm3": float(np.std(errors, ddof=1)),
            "line_bias_mg_cm3": float(np.mean(of_line)),
            "line_error_sd_mg_cm3": float(np.std(of_line, ddof=1)),
        }

    def card(self, training: dict, figures: dict) -> ModelCard:
        return ModelCard(
            stage="bmd",
            name="densenet121",
            version="0.2",
            architecture={"name": "DenseNet121", "parameters": {"in_channels": 1, "outputs": len(BINS)}},
            grid={"spacing_mm": [SPACING_MM] * 3, "size": list(SIZE)},
            window=WINDOW,
            outputs={"bin_corrections_mg_cm3": BINS.tolist(), "reference_kvp": REFERENCE_KVP},
            training=training,
            figures=figures,
            licence="Apache-2.0",
            intended_use="Research, not diagnosis: hydroxyapatite density of cancellous bone in CT.",
        )


def _is_known(sample: Sample) -> bool:
    return bool(np.isfinite(list(sample.bmd_mg_cm3.values())).all())


def true_mean(sample: Sample, vertebrae: Sequence[str]) -> float:
    """The mean of the vertebrae's true densities, mg/cm3."""
    return float(np.mean([sample.bmd_mg_cm3[name] for name in vertebrae]))


if __name__ == "__main__":
    run_command(__doc__, BmdTask, steps=700, learning_rate=5e-4)
