"""The chain on many CTs, on several processes, with a progress bar."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from joblib import Parallel, delayed
from tqdm import tqdm

from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.pipeline import Pipeline, Run
from training.levels import run_and_draw
from training.real_cts.plan import Plan, Trial

Outcome = Run | BadInput  # the error of a CT that cannot be read


@lru_cache(maxsize=1)
def pipeline(models: Path | None) -> Pipeline:
    """Loaded once per process, as long as the models stay the same."""
    return Pipeline.load(models)


def run_trials(trials: Iterable[Trial], plan: Plan) -> dict[Trial, Outcome]:
    """Runs the chain once for each of the trials, however often it is named.

    Raises:
        BadInput: models are missing or damaged.
    """
    ordered = sorted(dict.fromkeys(trials), key=lambda trial: str(trial.models or ""))
    for models in dict.fromkeys(trial.models for trial in ordered):
        pipeline(models)  # here, so that missing models are told of before any work
    tasks = [(trial, plan.picture(trial.scan.name.partition(".")[0], trial.title)) for trial in ordered]
    return dict(zip(ordered, each(_run, tasks, jobs=plan.jobs, title="CTs")))


def _run(trial: Trial, picture: Path | None) -> Outcome:
    return run_and_draw(pipeline(trial.models), trial.scan.path, picture)


def each(function: Callable[..., Any], arguments: Sequence[tuple], *, jobs: int, title: str) -> list[Any]:
    """`function(*arguments)` of each of the arguments, in their order.

    Args:
        function: can be pickled, as can what it takes and gives.
        jobs: processes.
        title: of the progress bar.
    """
    threads = None if jobs == 1 else max(1, (os.cpu_count() or 1) // jobs)
    tasks = (delayed(_on_threads)(threads, function, *given) for given in arguments)
    found = Parallel(n_jobs=jobs, return_as="generator")(tasks)
    return list(tqdm(found, desc=title, unit="run", total=len(arguments)))


def _on_threads(threads: int | None, function: Callable[..., Any], *arguments: Any) -> Any:
    if threads is not None:  # several processes share the processor
        torch.set_num_threads(threads)
    return function(*arguments)
