"""The loop that fits any of the three networks: seeded, with a progress bar, resumable after a kill."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from lightning.fabric import Fabric
from lightning.fabric.loggers import CSVLogger
from torch import Tensor, nn
from tqdm import tqdm

CHECKPOINT = "last.ckpt"


class Task(Protocol):
    """What a stage has to bring: its network, its samples and its loss."""

    network: nn.Module
    bears_bfloat16: bool  # whether the network's gradients are right in bfloat16, too

    def batch(self, rng: np.random.Generator) -> Any:
        """Draws and augments one batch."""

    def loss(self, batch: Any) -> Tensor:
        """The scalar to minimise."""

    def validate(self) -> Mapping[str, float]:
        """Figures on samples that are not fitted."""


def fit(
    task: Task, folder: Path, *, steps: int, seed: int, learning_rate: float, every: int = 100
) -> Mapping[str, float]:
    """Runs `steps` steps of AdamW with a one-cycle schedule, or what is left of them in `folder`.

    Every step draws from a generator of its own, made from seed and step number: a run that was interrupted goes on
    as if it had not been.

    Returns the figures of the last validation.
    """
    # Each start writes folder/log/version_N/metrics.csv: what an earlier one logged stays.
    fabric = Fabric(accelerator="auto", devices=1, precision=precision_for(task), loggers=CSVLogger(folder, name="log"))
    torch.manual_seed(seed)
    network = task.network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps + 1, pct_start=0.15)
    network, optimizer = fabric.setup(network, optimizer)
    state = {"network": network, "optimizer": optimizer, "schedule": schedule, "step": 0}
    if (folder / CHECKPOINT).exists():
        fabric.load(folder / CHECKPOINT, state)
    bar = tqdm(range(state["step"], steps), initial=state["step"], total=steps, desc=folder.name, unit="step")
    for step in bar:
        torch.manual_seed(seed * 1_000_003 + step)
        batch = task.batch(np.random.default_rng((seed, step)))
        with fabric.autocast():
            loss = task.loss(batch)
        optimizer.zero_grad()
        fabric.backward(loss)
        fabric.clip_gradients(network, optimizer, max_norm=5.0, error_if_nonfinite=True)
        optimizer.step()
        schedule.step()
        bar.set_postfix(loss=f"{loss.item():.3f}")
        fabric.log("loss", loss.item(), step)
        state["step"] = step + 1
        if (step + 1) % every == 0 and step + 1 < steps:
            _log(fabric, task.validate(), step)
            _save(fabric, folder, state)
    figures = task.validate()
    _log(fabric, figures, steps - 1)
    _save(fabric, folder, state)
    return figures


def precision_for(task: Task) -> str:
    """Lightning's name for bfloat16 with float32 weights where task and hardware bear it, else for float32."""
    if torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if fast and task.bears_bfloat16 else "32-true"


def _log(fabric: Fabric, figures: Mapping[str, float], step: int) -> None:
    fabric.log_dict(dict(figures), step)
    tqdm.write(f"step {step + 1}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))


def _save(fabric: Fabric, folder: Path, state: dict[str, Any]) -> None:
    fabric.save(folder / "next.ckpt", state)
    os.replace(folder / "next.ckpt", folder / CHECKPOINT)
    fabric.logger.save()
