"""Other ways from a crop to a BMD than the one that ships, each with the loss that it is fitted by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.stages.measure import BINS, body_mask, windowed
from OpportunisticBMDTraining.fit.samples.examples import VertebraExample, region_of
from OpportunisticBMDTraining.fit.tasks.bmd import CORRECTION, DESIGN, Way, entropy_and_mean, focal_of_classes

DENSEST = 300.0  # mg/cm3, which the second of the two classes stands for
MIDDLE = 100.0  # mg/cm3, which is grey where the density itself is shown
DENSITIES = np.arange(-50.0, 301.0, 5.0)  # mg/cm3, of the network that corrects nothing


def dense(example: VertebraExample, card: ModelCard) -> np.ndarray:
    """(I, J, K): the density itself, masked."""
    return windowed(example.crop - MIDDLE, card) * body_mask(*region_of(example))


def unmasked(example: VertebraExample, card: ModelCard) -> np.ndarray:
    """(I, J, K): the whole crop beside the reading."""
    return windowed(example.crop - example.reading, card)


def nothing(example: VertebraExample) -> float:
    """In place of the reading: the network gives the density itself."""
    return 0.0


def density(logits: Tensor) -> Tensor:
    """(N, D) -> (N,) mg/cm3."""
    return logits.softmax(dim=1) @ torch.as_tensor(DENSITIES, dtype=torch.float32)


def density_entropy(logits: Tensor, bmd: Tensor) -> Tensor:
    """Cross entropy with the two bins on either side of a density; (N, D) and (N,) mg/cm3."""
    place = ((bmd.float() - DENSITIES[0]) / (DENSITIES[1] - DENSITIES[0])).clamp(0, len(DENSITIES) - 1.001)
    low = place.floor().long()
    target = torch.zeros_like(logits, dtype=torch.float32).scatter_(1, low[:, None], (1 - (place - low))[:, None])
    target = target.scatter_(1, low[:, None] + 1, (place - low)[:, None])
    error = torch.nn.functional.smooth_l1_loss(density(logits), bmd.float(), beta=5.0)
    return torch.nn.functional.cross_entropy(logits, target) + 0.2 * error


def two_class_focal(logits: Tensor, bmd: Tensor) -> Tensor:
    """The paper's focal loss of two classes, the share of the second being the density; (N, 2) and (N,) mg/cm3."""
    share = (bmd.float() / DENSEST).clamp(0, 1)
    return focal_of_classes(logits, torch.stack((1 - share, share), dim=1))


def two_class_bmd(logits: Tensor) -> Tensor:
    """(N, 2) -> (N,) mg/cm3."""
    return DENSEST * logits.softmax(dim=1)[:, 1]


# The network gives the density from the masked crop, without a reading.
ALONE = Way(
    replace(DESIGN, parameters={"in_channels": 1, "outputs": len(DENSITIES)}, outputs={BINS: DENSITIES.tolist()}),
    shown=dense,
    base=nothing,
    answer=density,
)
# The paper's softmax of two classes.
TWO_CLASSES = Way(
    replace(DESIGN, parameters={"in_channels": 1, "outputs": 2}, outputs={}),
    shown=dense,
    base=nothing,
    answer=two_class_bmd,
)

Loss = Callable[[Tensor, Tensor], Tensor]
WAYS: dict[str, tuple[Way, Loss]] = {
    "corrects the reading; masked, density not shown": (CORRECTION, entropy_and_mean),
    "corrects the reading; masked, density shown": (replace(CORRECTION, shown=dense), entropy_and_mean),
    "corrects the reading; not masked, density not shown": (replace(CORRECTION, shown=unmasked), entropy_and_mean),
    "DenseNet alone: bins of density, masked": (ALONE, density_entropy),
    "DenseNet alone: two classes, focal loss (paper)": (TWO_CLASSES, two_class_focal),
}
