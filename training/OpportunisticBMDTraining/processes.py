"""Work on several processes with a progress bar, and the chain that each of them loads once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from joblib import Parallel, delayed
from tqdm import tqdm

from OpportunisticBMDLib.pipeline import Pipeline


@lru_cache(maxsize=1)
def pipeline(models: Path | None, device: str = "cpu") -> Pipeline:
    """Loaded once per process, as long as the models stay the same."""
    return Pipeline.load(models, device)


def each(
    function: Callable[..., Any],
    arguments: Sequence[tuple[Any, ...]],
    *,
    jobs: int,
    title: str,
    unit: str,
    threads: int | None = None,
    told: Callable[[Any], None] | None = None,
) -> list[Any]:
    """`function(*arguments)` of each of the arguments, in their order.

    Args:
        function: can be pickled, as can what it takes and gives.
        jobs: processes.
        title: of the progress bar.
        unit: that the progress bar counts.
        threads: of PyTorch in each process; None for an equal share of the processor.
        told: of each result, in this process, as soon as it is there.
    """
    if threads is None and jobs > 1:
        threads = max(1, (os.cpu_count() or 1) // jobs)
    tasks = (delayed(_numbered)(number, threads, function, given) for number, given in enumerate(arguments))
    found = Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks)
    results: dict[int, Any] = {}
    for number, result in tqdm(found, desc=title, unit=unit, total=len(arguments)):
        results[number] = result
        if told is not None:
            told(result)
    return [results[number] for number in range(len(arguments))]


def _numbered(
    number: int, threads: int | None, function: Callable[..., Any], given: tuple[Any, ...]
) -> tuple[int, Any]:
    if threads is not None:
        torch.set_num_threads(threads)
    return number, function(*given)
