"""A BMD network whose answer is known."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.stages.measure import BASE, BINS, REGION

CORRECTIONS = np.arange(-60.0, 61.0, 2.0)
CARD = ModelCard(
    stage="bmd",
    name="six-more",
    version="1",
    architecture={"name": "DenseNet121", "parameters": {}},
    grid={"spacing_mm": [1.5] * 3, "size": [40, 40, 40]},
    window={"low_hu": -250.0, "high_hu": 550.0},
    outputs={BINS: CORRECTIONS.tolist(), BASE: REGION},
    training={},
    figures={},
    licence="Apache-2.0",
    intended_use="Tests.",
)


class SixMore(nn.Module):
    """(N, 1, I, J, K) -> (N, B) logits: the bone holds 6 mg/cm3 more than its region reads, with an SD of 6."""

    def __init__(self) -> None:
        super().__init__()
        self.bins = nn.Parameter(torch.from_numpy(CORRECTIONS).float(), requires_grad=False)

    def forward(self, image: Tensor) -> Tensor:
        return (-(((6 - self.bins) / 6) ** 2) / 2).expand(len(image), -1)
