"""Runs the chain on all real CTs and prints Markdown tables: `opportunistic-bmd-lab real-cts -o DIR`.

levels: which vertebrae these are, and the ribs that tell; labelled: masks against labelled vertebrae; unlabelled:
centroids against levels read by eye; pair: one patient without and with contrast; by-hand: a circle drawn as a person
does; degraded: the same CTs as they are and as other scans would show them, against the reading of the untouched CT;
added: known hydroxyapatite added to the bone; phantom: inserts of known mineral. With -o also DIR/real_cts.md and a
picture of every run in DIR/pictures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pipeline import Run
from OpportunisticBMDLib.system.files import write_bytes
from OpportunisticBMDTraining.command_line import exit_status, named_path
from OpportunisticBMDTraining.public_cts import LOCAL
from OpportunisticBMDTraining.real_cts import added, by_hand, degraded, labelled, levels, pair, phantom, unlabelled
from OpportunisticBMDTraining.real_cts.chain import Outcome, run_trials
from OpportunisticBMDTraining.real_cts.plan import Trial, TrialPlan

SECTIONS = {
    "levels": levels,
    "labelled": labelled,
    "unlabelled": unlabelled,
    "pair": pair,
    "by-hand": by_hand,
    "degraded": degraded,
    "added": added,
    "phantom": phantom,
}
TABLES = "real_cts.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 for bad input."""
    options = _parser().parse_args(arguments)

    def work() -> None:
        text = ""
        for part in _parts(_plan(options), [name for name in SECTIONS if name in options.only]):
            print(part, end="\n\n", flush=True)
            text += f"{part}\n\n"
            if options.output:
                write_bytes(options.output / TABLES, text.encode())

    return exit_status(work)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab real-cts", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, help="folder for real_cts.md and a picture of every run")
    parser.add_argument("--models", type=Path, help="another model folder")
    parser.add_argument(
        "--left-out",
        metavar="NAME=MODELS",
        nargs="+",
        action="extend",
        default=[],
        type=named_path("NAME=MODELS"),
        help="models that were fitted without a CT (the beginning of its name), or without all of a section",
    )
    parser.add_argument("--unlabelled", type=Path, metavar="FOLDER", help="CTs whose levels levels.csv gives")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="SECTION")
    parser.add_argument(
        "--ct", nargs="+", action="extend", default=[], metavar="NAME", help="only CTs called like this"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes at once; each needs about 3 GB")
    return parser


def _plan(options: argparse.Namespace) -> TrialPlan:
    if options.output and options.output.is_file():
        raise BadInput(f"{options.output} is a file; give a folder for the tables and pictures.")
    at_hand = LOCAL / "unlabelled"
    return TrialPlan(
        models=options.models,
        left_out=tuple(options.left_out),
        unlabelled=options.unlabelled or (at_hand if at_hand.is_dir() else None),
        cts=tuple(options.ct),
        pictures=options.output / "pictures" if options.output else None,
        jobs=options.jobs,
    )


def _parts(plan: TrialPlan, names: Sequence[str]) -> Iterator[str]:
    """The report, part by part as it is found."""
    runs = run_trials((trial for name in names for trial in SECTIONS[name].trials(plan)), plan)
    yield "\n\n".join(["# The chain on real CTs", *_models(runs)])
    for name in names:
        yield f"## {SECTIONS[name].TITLE}\n\n{SECTIONS[name].report(plan, runs)}"


def _models(runs: Mapping[Trial, Outcome]) -> list[str]:
    """Which models they were, by what the tables call them."""
    found = {trial.title: run.result.models for trial, run in runs.items() if isinstance(run, Run)}
    return [
        f"Models {title}: " + "; ".join(f"{stage} {m['name']} {m['sha256'][:12]}" for stage, m in models.items()) + "."
        for title, models in found.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
