"""The loop that fits any of the three networks: seeded, with a progress bar, resumable after a kill."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.models.modules import device_of
from OpportunisticBMDLib.system.files import PART_PREFIX, replacing
from OpportunisticBMDTraining.fit.curves_picture import draw_curves
from OpportunisticBMDTraining.fit.devices import bears_bfloat16, generator_of, launched
from OpportunisticBMDTraining.fit.log import Log
from OpportunisticBMDTraining.fit.recipe import Recipe, epoch_of

CHECKPOINT = "last.ckpt"
BEST = "best.ckpt"


class Task(Protocol):
    """What a stage has to bring: its network, its samples and its loss."""

    batch_size: int

    @property
    def network(self) -> nn.Module:
        """What is fitted."""

    @property
    def bears_bfloat16(self) -> bool:
        """Whether the network's gradients are right in bfloat16, too."""

    @property
    def cases(self) -> int:
        """How many are fitted; an epoch draws as many."""

    def batch(self, rng: np.random.Generator) -> Any:
        """Draws and augments one batch."""

    def loss(self, batch: Any) -> Tensor:
        """The scalar to minimise."""

    def validate(self) -> Mapping[str, float]:
        """Figures on samples that are not fitted."""

    def merit(self, figures: Mapping[str, float]) -> tuple[float, ...]:
        """How good validation figures are: the greater of two tuples is the better one."""


class Best(NamedTuple):
    """The best model of a fit: after how many steps, and its validation figures."""

    step: int
    figures: Mapping[str, float]


class LossOf(nn.Module):
    """A task's loss as a module: what distributes a fit has to see where the forward pass begins and ends.

    It computes in bfloat16 with float32 weights where task and hardware bear it. Lightning's own precision would round
    the targets, too.
    """

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.network = task.network
        self._task = task

    def forward(self, batch: Any) -> Tensor:
        """The scalar to minimise."""
        fast = self._task.bears_bfloat16 and bears_bfloat16()
        with torch.autocast(device_of(self.network).type, torch.bfloat16, enabled=fast):
            return self._task.loss(batch)


def fit(task: Task, folder: Path, recipe: Recipe, *, seed: int) -> Best:
    """Follows a recipe from its first step, or from where `folder` says that an earlier start has come to.

    Every step draws from a generator of its own, made from seed and step number: a run that was interrupted goes on
    as if it had not been, and ends with the same model.

    Args:
        task: its network has the best model's weights in the end.
        folder: for checkpoints, logs and curves.
        recipe: optimizer, schedule and length; the loss is the task's.
        seed: of everything that is drawn.

    Raises:
        BadInput: the folder holds a finished fit without its best model.
    """
    fabric = launched()
    epoch = epoch_of(task.cases, task.batch_size * fabric.world_size)
    steps, every = recipe.length.in_steps(epoch), recipe.every.in_steps(epoch)
    torch.manual_seed(seed)
    task.network.train()
    optimizer = recipe.optimizer_of(task.network.parameters())
    schedule = recipe.schedule(optimizer, steps, epoch)
    loss_of, optimizer = fabric.setup(LossOf(task), optimizer)
    state = {"network": task.network, "optimizer": optimizer, "schedule": schedule, "step": 0}
    if (folder / CHECKPOINT).exists():
        fabric.load(folder / CHECKPOINT, state)
    best = _best_so_far(fabric, folder)
    if fabric.is_global_zero:
        _clear_leftovers(folder)
    log = Log(folder, state["step"])
    left = range(state["step"], steps)
    bar = tqdm(left, initial=left.start, total=steps, desc=folder.name, unit="step", disable=not fabric.is_global_zero)
    for step in bar:
        batch = task.batch(generator_of(seed, step, fabric.global_rank))
        loss = loss_of(batch)
        optimizer.zero_grad()
        fabric.backward(loss)
        fabric.clip_gradients(loss_of, optimizer, max_norm=5.0, error_if_nonfinite=True)
        optimizer.step()
        schedule.step()
        state["step"] = step + 1
        if fabric.is_global_zero:
            bar.set_postfix(loss=f"{loss.item():.3f}")
            log.write({"loss": loss.item()}, step)
        if state["step"] % every == 0 or state["step"] == steps:
            figures = _validated(fabric, task, log, step)
            # Of two that are as good, the one that was fitted longer.
            if best is None or _merit(task, figures) >= _merit(task, best.figures):
                best = Best(state["step"], figures)
                _save(fabric, folder / BEST, {"network": task.network, **best._asdict()})
            # Before the checkpoint: a start that goes on from it finds all figures up to it.
            if fabric.is_global_zero:
                log.save()
                draw_curves(folder, best.step)
            _save(fabric, folder / CHECKPOINT, state)
    if best is None:
        raise BadInput(f"{folder} holds a finished fit without {BEST}; give another folder to fit anew.")
    fabric.barrier()
    fabric.load(folder / BEST, {"network": task.network})
    return best


def _best_so_far(fabric: Fabric, folder: Path) -> Best | None:
    """None before the first validation, and where there is no checkpoint to go on from."""
    if not ((folder / CHECKPOINT).exists() and (folder / BEST).exists()):
        return None
    stored = fabric.load(folder / BEST)
    return Best(stored["step"], stored["figures"])


def _validated(fabric: Fabric, task: Task, log: Log, step: int) -> Mapping[str, float]:
    """The first process validates; all of them have to know what came of it."""
    figures: dict[str, float] = {}
    if fabric.is_global_zero:
        figures = dict(task.validate())
        log.write(figures, step)
        tqdm.write(f"step {step + 1}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    return fabric.broadcast(figures)


def _merit(task: Task, figures: Mapping[str, float]) -> tuple[float, ...]:
    """A figure that could not be told is worse than any other."""
    return tuple(np.nan_to_num(task.merit(figures), nan=-np.inf).tolist())


def _save(fabric: Fabric, path: Path, state: dict[str, Any]) -> None:
    """Whole or not at all; all processes have to take part, and the first one writes."""
    with replacing(path) if fabric.is_global_zero else nullcontext(path) as part:
        fabric.save(part, state)


def _clear_leftovers(folder: Path) -> None:
    """Removes the checkpoints that earlier starts were writing when they were killed: they are large."""
    for part in folder.glob(f"{PART_PREFIX}*"):
        shutil.rmtree(part)
