"""The command line that the three fits share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from OpportunisticBMDLib.cases import Dataset
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.models import ModelCard, load_weights
from OpportunisticBMDLib.models.modules import fill, halved, save_model
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.fit.design import Design
from OpportunisticBMDTraining.fit.devices import on_first_process, world_size
from OpportunisticBMDTraining.fit.loop import Best, Task, fit
from OpportunisticBMDTraining.fit.recipe import Recipe
from OpportunisticBMDTraining.fit.samples.prepare import load_samples, prepare_cases
from OpportunisticBMDTraining.fit.samples.sets import SampleSets, Selection, selection_of, sets_of

HELD_OUT = 8


class StageTask(Task, Protocol):
    """A task that can describe the model it ends with."""

    criterion: str  # what `merit` judges by, in words
    needs: str  # what a case must have to be fitted
    least_batch_size: int
    real: Sequence[Any]  # those of the samples given that have it
    virtual: Sequence[Any]
    held_out: Sequence[Any]

    @property
    def design(self) -> Design:
        """Of the network that is fitted."""


@dataclass(frozen=True)
class Stage:
    """One of the three fits.

    Args:
        task: made of the real, the virtual and the held-out samples, and `objective`, the recipe's loss.
        recipes: by name; the first is the one that is followed where none is named.
        load: reads all samples of a folder but those named.
        prepare: writes the samples of a dataset's cases, by their ids, into a folder; the models are what earlier
            stages made, None for those that ship.
    """

    task: Callable[..., StageTask]
    recipes: Mapping[str, Recipe]
    load: Callable[[Path, Collection[str]], Sequence[Any]] = load_samples
    prepare: Callable[[Dataset, Sequence[str], Path, Path | None], None] = prepare_cases


@dataclass(frozen=True)
class FitJob:
    """One fit.

    Args:
        run: folder for checkpoints, logs and curves.
        output: model folder.
        recipe: what is followed.
        seed: of everything that is drawn.
        batch_size: None for the task's own.
        start: model folder with the first weights; None for random ones.
    """

    run: Path
    output: Path
    recipe: Recipe
    seed: int = 0
    batch_size: int | None = None
    start: Path | None = None


def run_command(
    description: str, stage: Stage, arguments: Sequence[str] | None = None, program: str | None = None
) -> None:
    """Parses the arguments, fits, and saves model and card; bad input ends with one line and exit status 2.

    Args:
        program: how its help calls it.
    """
    options = _parser(description, stage, program).parse_args(arguments)
    end_on_bad_input(lambda: _run(stage, options))


def _run(stage: Stage, options: argparse.Namespace) -> None:
    if not (options.samples or options.dataset):
        raise BadInput(
            "Give --samples, the folder that opportunistic-bmd-lab prepare (bmd: readings) wrote, or --dataset."
        )
    samples = options.samples or options.run / "samples"
    if not (options.dataset or samples.is_dir()):
        raise BadInput(
            f"There is no folder {samples}; give the one that opportunistic-bmd-lab prepare or readings wrote."
        )
    selection = selection_of(options.dataset, options.fold)
    on_first_process(lambda: prepare_selected(stage, selection, samples, options.output))
    usable = [s for s in stage.load(samples, selection.unseen) if not s.name.startswith(tuple(options.without))]
    sets = sets_of(usable, selection, options.held_out)
    job = FitJob(
        run=options.run,
        output=options.output,
        recipe=stage.recipes[options.recipe].changed(options.steps, options.every, options.learning_rate),
        seed=options.seed,
        batch_size=options.batch_size,
        start=options.start,
    )
    fit_stage(stage, sets, job, selection)


def end_on_bad_input(work: Callable[[], None]) -> None:
    """Ends the program with one line and exit status 2 where the input is bad."""
    if status := exit_status(work):
        sys.exit(status)


def prepare_selected(stage: Stage, selection: Selection, folder: Path, output: Path) -> None:
    """Puts the samples of annotated cases into a folder.

    Args:
        output: model folder; what a stage needs of an earlier one is taken from there, if it is there.
    """
    if selection.dataset is not None:
        models = output if (output / "segmentation").is_dir() else None
        stage.prepare(selection.dataset, selection.ids, folder, models)


def fit_stage(stage: Stage, sets: SampleSets, job: FitJob, selection: Selection) -> ModelCard:
    """Fits, saves the best model, and gives its card.

    Args:
        stage: what is fitted.
        sets: what it is fitted and validated on.
        job: how.
        selection: which of the cases are annotated ones of a dataset.

    Raises:
        BadInput: no case that the stage can use, or no model to start from.
    """
    torch.manual_seed(job.seed)  # the network's first weights
    task = stage.task(sets.real, sets.virtual, sets.held_out, objective=job.recipe.loss)
    for what, usable in (("fitted", task.cases), ("validation", len(task.held_out))):
        if not usable:
            raise BadInput(f"None of the {what} cases has {task.needs}, which this fit needs: annotate or add some.")
    task.batch_size = job.batch_size or task.batch_size
    if task.batch_size < task.least_batch_size:
        raise BadInput(f"The {task.design.stage} network needs batches of {task.least_batch_size}: raise --batch-size.")
    started_from = _begin_with(job.start, task) if job.start else {}
    job.run.mkdir(parents=True, exist_ok=True)
    best = fit(task, job.run, job.recipe, seed=job.seed)
    training = started_from | _training_of(task, job, best, selection) | selection.in_card()
    figures = {f"validation_{name}": round(value, 4) for name, value in best.figures.items()}
    card = task.design.card(training, figures)
    on_first_process(lambda: save_model(job.output, card, halved(task.network.state_dict())))
    return card


def _begin_with(folder: Path, task: StageTask) -> dict[str, Any]:
    """Fills the network with a model's weights; how that one was fitted goes into the card."""
    card, weights = load_weights(task.design.stage, folder)
    fill(task.network, card, weights)
    return {"started_from": dict(card.training)}


def _training_of(task: StageTask, job: FitJob, best: Best, selection: Selection) -> dict[str, Any]:
    ends = f", {task.virtual[0].name} to {task.virtual[-1].name}" if task.virtual else ""
    return {
        "virtual_patients": f"{len(task.virtual)}{ends}",
        "public_cts": [sample.name for sample in task.real if sample.name not in selection.ids],
        "steps": job.recipe.steps_of(task.cases, task.batch_size * world_size()),
        "batch_size": task.batch_size * world_size(),
        "learning_rate": job.recipe.learning_rate,
        "loss": job.recipe.loss.__name__,
        "seed": job.seed,
        "best_step": best.step,
        "criterion": task.criterion,
    }


def positive(text: str) -> int:
    """A number of the command line that has to be at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return int(text)


def add_case_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what is fitted and validated on, and how both are drawn."""
    parser.add_argument("--fold", type=int, help="round 0 to 3 of the dataset's cross-validation, which validates")
    parser.add_argument("--held-out", type=int, default=HELD_OUT, metavar="N", help="else, virtual patients that do")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=positive, help="steps between validations and checkpoints (100)")
    parser.add_argument("--batch-size", type=positive, metavar="N", help="cases a step and device")


def _parser(description: str, stage: Stage, program: str | None) -> argparse.ArgumentParser:
    default = next(iter(stage.recipes))
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--samples", type=Path, help="folder that prepare (of bmd: readings) wrote")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and logs; resumed if it exists")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder, e.g. Resources/Models")
    parser.add_argument("--dataset", type=Path, help="annotated dataset; its samples go to --samples, else RUN/samples")
    parser.add_argument("--start", type=Path, metavar="MODELS", help="begin with the weights of this model folder")
    parser.add_argument("--recipe", choices=stage.recipes, default=default, help="optimizer, schedule, length and loss")
    parser.add_argument("--steps", type=positive, help="instead of the recipe's")
    parser.add_argument("--learning-rate", type=float, help="instead of the recipe's")
    parser.add_argument("--without", nargs="+", default=(), metavar="NAME", help="leave out cases called like this")
    add_case_options(parser)
    return parser
