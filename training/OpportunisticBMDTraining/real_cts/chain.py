"""The chain on the CTs and with the models that were asked for, each once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pipeline import Run
from OpportunisticBMDTraining.known_levels import run_and_draw
from OpportunisticBMDTraining.processes import each, pipeline
from OpportunisticBMDTraining.real_cts.plan import Trial, TrialPlan

Outcome = Run | BadInput  # the error of a CT that cannot be read


def run_trials(trials: Iterable[Trial], plan: TrialPlan) -> dict[Trial, Outcome]:
    """Runs the chain once for each of the trials, however often it is named.

    Raises:
        BadInput: models are missing or damaged.
    """
    ordered = sorted(dict.fromkeys(trials), key=lambda trial: str(trial.models or ""))
    for models in dict.fromkeys(trial.models for trial in ordered):
        pipeline(models)  # here, so that missing models are told of before any work
    tasks = [(trial, plan.picture(trial.scan.name.partition(".")[0], trial.title)) for trial in ordered]
    return dict(zip(ordered, each(_run, tasks, jobs=plan.jobs, title="CTs", unit="run")))


def _run(trial: Trial, picture: Path | None) -> Outcome:
    return run_and_draw(pipeline(trial.models), trial.scan.path, picture)
