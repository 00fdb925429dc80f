"""A BMD network whose answer is known."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

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


class SixMore:
    """(N, 1, I, J, K) -> (N, B): the bone holds 6 mg/cm3 more than its region reads, with an SD of 6."""

    def __init__(self) -> None:
        self.bins = CORRECTIONS.astype(np.float32)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        return np.tile(softmax(-(((6 - self.bins) / 6) ** 2) / 2), (len(image), 1))
