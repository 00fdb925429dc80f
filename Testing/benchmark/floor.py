"""What no program could go below on this machine, as a child finds out: `python -m Testing.benchmark.floor FILE`.

The multiplications and additions of a run's networks (each counts as one operation; torch counts them while the plain
modules are shown arrays of the shapes that the run had) over the rate that a large product of matrices reaches, and
the bytes of the CT, each read once, over the rate at which memory is read.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from Testing.benchmark.engines import plain_module

MATRIX = 2048  # rows and columns
MEMORY_BYTES = 2**29
TRIALS = 7
PRECISIONS = {"f32": torch.float32, "bf16": torch.bfloat16}


def operations(stage: str, shape: tuple[int, ...]) -> int:
    """Of a network's call with an array of this shape."""
    module, _ = plain_module(stage)
    device = "cpu" if stage == "localizer" else "meta"  # on which nothing is computed; a detector has to see its boxes
    array = torch.zeros(shape, device=device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module.to(device)([array] if stage == "localizer" else array)
    return counter.get_total_flops()


def matrix_rate(precision: torch.dtype) -> float:
    """Operations a second of this processor's best product of matrices."""
    a, b = (torch.randn(MATRIX, MATRIX).to(precision) for _ in range(2))
    return 2 * MATRIX**3 / _least_seconds(lambda: a @ b)


def memory_rate() -> float:
    """Bytes a second that this processor's cores read together."""
    array = torch.ones(MEMORY_BYTES // 4)
    return MEMORY_BYTES / _least_seconds(array.sum)


def _least_seconds(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(TRIALS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("calls", type=Path)
    shown = json.loads(parser.parse_args().calls.read_text())  # [[stage, shape], ...]
    calls = Counter((stage, tuple(shape)) for stage, shape in shown)
    found: Counter[str] = Counter()
    for (stage, shape), times in calls.items():
        found[stage] += times * operations(stage, shape)
    rates = {name: matrix_rate(precision) for name, precision in PRECISIONS.items()}
    print(json.dumps({"operations": found, "matrix_per_s": rates, "memory_bytes_per_s": memory_rate()}))


if __name__ == "__main__":
    main()
