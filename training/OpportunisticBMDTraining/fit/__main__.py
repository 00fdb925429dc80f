"""Fits all three networks on an annotated dataset: `opportunistic-bmd-lab fit --dataset DIR --run DIR -o MODELS`.

Prepares the samples, then fits localizer, segmentation and, on readings through the masks that the latter draws, bmd.
The same command goes on where it was stopped; a stage that is finished is not fitted again.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.fit.command import (
    FitJob,
    Stage,
    add_case_options,
    end_on_bad_input,
    fit_stage,
    positive,
    prepare_selected,
)
from OpportunisticBMDTraining.fit.devices import on_first_process
from OpportunisticBMDTraining.fit.recipe import Recipe
from OpportunisticBMDTraining.fit.samples.prepare import prepare_virtual
from OpportunisticBMDTraining.fit.samples.readings import prepare_virtual_readings
from OpportunisticBMDTraining.fit.samples.sets import selection_of, sets_of
from OpportunisticBMDTraining.fit.tasks import bmd, localizer, segmentation
from OpportunisticBMDTraining.virtual.cohorts import PREFIXES

STAGES: Mapping[str, Stage] = {"localizer": localizer.STAGE, "segmentation": segmentation.STAGE, "bmd": bmd.STAGE}
FIRST_SEED = 1000  # of the virtual patients


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a table of the validation figures; bad input ends with one line and exit status 2."""
    options = _parser().parse_args(arguments)
    end_on_bad_input(lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    selection = selection_of(options.dataset, options.fold)
    samples, readings = options.run / "samples", options.run / "readings"
    seeds = range(FIRST_SEED, FIRST_SEED + options.virtual)

    def prepare() -> None:
        prepare_selected(localizer.STAGE, selection, samples, options.output)
        prepare_virtual(seeds, options.cohort, samples, options.jobs)

    def prepare_readings() -> None:
        prepare_selected(bmd.STAGE, selection, readings, options.output)
        prepare_virtual_readings(seeds, options.cohort, readings, options.output, options.jobs)

    def fitted(folder: Path, *names: str) -> list[ModelCard]:
        stages = [STAGES[name] for name in names]
        sets = sets_of(stages[0].load(folder, selection.unseen), selection, options.held_out)
        jobs = [_job_of(name, STAGES[name], options) for name in names]
        return [fit_stage(stage, sets, job, selection) for stage, job in zip(stages, jobs)]

    on_first_process(prepare)
    cards = fitted(samples, "localizer", "segmentation")
    on_first_process(prepare_readings)
    cards += fitted(readings, "bmd")
    on_first_process(lambda: print(table(cards)))


def table(cards: Sequence[ModelCard]) -> str:
    """A Markdown table of the figures of the models."""
    rows = [
        (
            card.stage,
            f"{card.training['best_step']} of {card.training['steps']}",
            name.removeprefix("validation_"),
            f"{value:.4g}",
        )
        for card in cards
        for name, value in card.figures.items()
    ]
    return markdown(("stage", "best step", "validation", "value"), rows)


def _job_of(name: str, stage: Stage, options: argparse.Namespace) -> FitJob:
    return FitJob(
        run=options.run / name,
        output=options.output,
        recipe=_recipe_of(name, stage, options),
        seed=options.seed,
        batch_size=options.batch_size,
    )


def _recipe_of(name: str, stage: Stage, options: argparse.Namespace) -> Recipe:
    """The recipe of the name given where the stage has it, with the numbers that were given in place of its own."""
    recipe = stage.recipes.get(options.recipe, stage.recipes["default"])
    return recipe.changed(getattr(options, f"steps_{name}"), options.every)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab fit", description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="annotated dataset")
    parser.add_argument("--run", type=Path, required=True, help="folder for samples, checkpoints and logs")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder, e.g. Resources/Models")
    parser.add_argument("--virtual", type=int, default=0, metavar="N", help="virtual patients beside the dataset")
    parser.add_argument("--cohort", choices=PREFIXES, default="one-scanner", help="of the virtual patients")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count(), help="processes that make virtual patients")
    names = list(dict.fromkeys(name for stage in STAGES.values() for name in stage.recipes))
    parser.add_argument("--recipe", choices=names, default="default", help="of the stages that have one of this name")
    for name, stage in STAGES.items():
        steps = stage.recipes["default"].length.in_steps(epoch=1)
        parser.add_argument(f"--steps-{name}", type=positive, metavar="N", help=f"instead of the recipe's ({steps})")
    add_case_options(parser)
    return parser


if __name__ == "__main__":
    main()
