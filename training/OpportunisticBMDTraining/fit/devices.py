"""The devices that a fit runs on: one, or as many as `torchrun` has started processes for."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import torch
from lightning.fabric import Fabric

WORLD_SIZE = "WORLD_SIZE"  # torchrun's names
LOCAL_WORLD_SIZE = "LOCAL_WORLD_SIZE"


def world_size() -> int:
    """How many processes fit together."""
    return int(os.environ.get(WORLD_SIZE, 1))


def launched() -> Fabric:
    """One device of this machine, the best there is, or this process's one among those that the launcher started."""
    here = int(os.environ.get(LOCAL_WORLD_SIZE, 1))
    fabric = Fabric(accelerator="auto", devices=here, num_nodes=world_size() // here)
    fabric.launch()
    return fabric


def on_first_process(action: Callable[[], object]) -> None:
    """Does something in one process, while the others wait until it is done."""
    fabric = launched()
    if fabric.is_global_zero:
        action()
    fabric.barrier()


def bears_bfloat16() -> bool:
    """Whether the hardware computes in bfloat16 itself."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported()


def generator_of(seed: int, step: int, rank: int) -> np.random.Generator:
    """The generator of one step's batch; torch's global one is seeded beside it.

    It depends on nothing but its arguments, so that an interrupted fit goes on as if it had not been. Each process
    draws a batch of its own; the first one draws what a single process would.
    """
    if rank == 0:
        torch.manual_seed(seed * 1_000_003 + step)
        return np.random.default_rng((seed, step))
    generator = np.random.default_rng((seed, step, rank))
    torch.manual_seed(int(generator.integers(2**32)))  # of a larger seed torch's generator takes these bits only
    return generator
