"""A small task to fit: a line through noisy points."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

# Twice as many weights as the line needs, and dropout: the global generator of torch takes part in every step.
WEIGHT, BIAS = 2.5, -1.0


class Interrupted(Exception):
    """As a kill in the middle of a step."""


class LineTask:
    """Fits y = 2.5 x - 1 and counts the batches drawn; may be interrupted at a step."""

    bears_bfloat16 = False
    batch_size = 16
    cases = 16

    def __init__(self, interrupt_at: int | None = None, poison_at: int | None = None) -> None:
        torch.manual_seed(4)
        self.network = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))
        self.drawn, self.validated = 0, 0
        self._interrupt_at, self._poison_at = interrupt_at, poison_at

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        if self.drawn == self._interrupt_at:
            raise Interrupted
        x = rng.uniform(-1, 1, (16, 1))
        y = WEIGHT * x + BIAS + rng.normal(0, 0.05, x.shape)
        if self.drawn == self._poison_at:
            y[0] = np.nan
        self.drawn += 1
        return torch.from_numpy(x).float(), torch.from_numpy(y).float()

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        device = next(self.network.parameters()).device
        x, y = (part.to(device) for part in batch)
        return nn.functional.mse_loss(self.network(x), y)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        self.validated += 1
        self.network.eval()
        x = torch.linspace(-1, 1, 41)[:, None].to(next(self.network.parameters()).device)
        error = (self.network(x) - (WEIGHT * x + BIAS)).abs().mean().item()
        self.network.train()
        torch.rand(7)  # validation may draw, too
        return {"error": error}

    def merit(self, figures) -> tuple[float, ...]:
        return (-figures["error"],)
