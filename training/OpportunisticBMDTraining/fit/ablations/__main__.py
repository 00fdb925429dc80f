"""Compares ways to get from a reading to a BMD: `opportunistic-bmd-lab ablations --samples DIR --run DIR`.

Each way is fitted from the same seed, as long, once for every fold of the patients with real CTs, on all others and on
virtual patients; it is judged by the degraded real CTs of those who were left out, and by virtual patients that no fit
has seen. The samples are those of `opportunistic-bmd-lab readings`. Prints a table, with the reading alone as a row.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.fit.ablations.judging import Errors, folds, judged, table
from OpportunisticBMDTraining.fit.ablations.ways import WAYS
from OpportunisticBMDTraining.fit.command import positive
from OpportunisticBMDTraining.fit.loop import fit
from OpportunisticBMDTraining.fit.samples.examples import ReadingSample, load_readings
from OpportunisticBMDTraining.fit.samples.sets import SampleSets, Selection, sets_of
from OpportunisticBMDTraining.fit.tasks.bmd import STAGE, BmdTask
from OpportunisticBMDTraining.processes import each

HELD_OUT = 40
STEPS = 200
READING = "the reading, no network"


def ablate(sets: SampleSets, run: Path, steps: int, seed: int, jobs: int, count: int) -> str:
    """Fits each way for each fold, and gives the table; what is finished is not fitted again.

    Args:
        sets: real CTs to leave out in turn, virtual patients that are fitted, and those that judge.
        run: folder for checkpoints and logs.
        steps: of each fit.
        seed: of every fit.
        jobs: processes.
        count: folds of the patients with real CTs.
    """
    tasks = [
        (way, run / f"{number}-{fold}", out, rest, sets, steps, seed)
        for number, way in enumerate(WAYS)
        for fold, (out, rest) in enumerate(folds(sets.real, count))
    ]
    # On one thread each: several add up in another order, and the figures of a fit would depend on the machine.
    errors = each(_fitted, tasks, jobs=jobs, title="ablations", unit="fit", threads=1)
    found: dict[str, list[Errors]] = {READING: [judged(None, sets.real, sets.held_out)]}
    for (way, *_), one in zip(tasks, errors):
        found.setdefault(way, []).append(one)
    return table(found)


def _fitted(
    way: str,
    folder: Path,
    out: Sequence[ReadingSample],
    rest: Sequence[ReadingSample],
    sets: SampleSets,
    steps: int,
    seed: int,
) -> Errors:
    made, loss = WAYS[way]
    torch.manual_seed(seed)
    task = BmdTask(rest, sets.virtual, sets.held_out, objective=loss, way=made)
    folder.mkdir(parents=True, exist_ok=True)
    # Validated once: not the step that suits those who judge is taken, but the last one.
    fit(task, folder, STAGE.recipes["default"].changed(steps, every=steps), seed=seed)
    return judged(task, out, sets.held_out)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns the exit status, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab ablations", description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=Path, required=True, help="folder that opportunistic-bmd-lab readings wrote")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and logs")
    parser.add_argument("--steps", type=positive, default=STEPS, help="of each fit")
    parser.add_argument("--held-out", type=positive, default=HELD_OUT, metavar="N", help="virtual patients that judge")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", type=positive, default=4, metavar="N", help="of the patients with real CTs")
    parser.add_argument("--jobs", type=positive, default=1, help="processes")
    options = parser.parse_args(arguments)

    def work() -> None:
        sets = sets_of(load_readings(options.samples), Selection(), options.held_out)
        print(ablate(sets, options.run, options.steps, options.seed, options.jobs, options.folds))

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
