"""How a network is fitted: optimizer, schedule, length and loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, OneCycleLR


@dataclass(frozen=True)
class Steps:
    """A length in steps of the optimizer."""

    count: int

    def in_steps(self, epoch: int) -> int:
        """The same whatever an epoch is."""
        return self.count


@dataclass(frozen=True)
class Epochs:
    """A length in epochs; in one, as many cases are drawn as are fitted."""

    count: int

    def in_steps(self, epoch: int) -> int:
        """As many steps, of an epoch of so many."""
        return self.count * epoch


Length = Steps | Epochs
OptimizerMaker = Callable[..., Optimizer]  # of the parameters, and lr
ScheduleMaker = Callable[[Optimizer, int, int], LRScheduler]  # of the optimizer, all steps, and an epoch's


def adamw(parameters: Iterable[nn.Parameter], lr: float) -> Optimizer:
    """Adam with decoupled decay of the weights (Loshchilov and Hutter, ICLR 2019)."""
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=1e-4)


def one_cycle(optimizer: Optimizer, steps: int, epoch: int) -> LRScheduler:
    """Up to the learning rate, then down to nothing (Smith, "Super-convergence", 2018)."""
    return OneCycleLR(optimizer, optimizer.defaults["lr"], total_steps=steps + 1, pct_start=0.15)


def multi_step(optimizer: Optimizer, steps: int, epoch: int, *, milestones: Sequence[int], gamma: float) -> LRScheduler:
    """The learning rate times gamma after each of the milestones, which are epochs."""
    return MultiStepLR(optimizer, [milestone * epoch for milestone in milestones], gamma)


@dataclass(frozen=True)
class Recipe:
    """One way to fit a network.

    Args:
        learning_rate: the optimizer's; the highest one of a cycle.
        length: of the whole fit.
        loss: scalar to minimise, of what the network gives and, where it does not know it, the target; a card has
            its name.
        every: between validations.
        optimizer: made of the parameters and `lr`.
        schedule: made of the optimizer, the number of steps, and that of an epoch.
    """

    learning_rate: float
    length: Length
    loss: Callable[..., Tensor]
    every: Length = Steps(100)
    optimizer: OptimizerMaker = adamw
    schedule: ScheduleMaker = one_cycle

    def optimizer_of(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """The optimizer of a network's parameters."""
        return self.optimizer(parameters, lr=self.learning_rate)

    def changed(self, steps: int | None = None, every: int | None = None, learning_rate: float | None = None) -> Recipe:
        """With the numbers that are given in place of its own."""
        return replace(
            self,
            length=Steps(steps) if steps else self.length,
            every=Steps(every) if every else self.every,
            learning_rate=learning_rate or self.learning_rate,
        )

    def steps_of(self, cases: int, batch_size: int) -> int:
        """The length of a fit of so many cases."""
        return self.length.in_steps(epoch_of(cases, batch_size))


def epoch_of(cases: int, batch_size: int) -> int:
    """How many steps draw as many cases as there are."""
    return -(-cases // batch_size)
