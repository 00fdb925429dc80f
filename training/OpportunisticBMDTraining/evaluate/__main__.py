"""Measures the whole chain on cases that no fit has seen, beside the truth: `opportunistic-bmd-lab evaluate -n 30`.

Prints Markdown tables; with -o also a CSV file with a line per patient, or a folder with report.html, cases.csv and
report.json.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.inference.device import DEVICES, chosen_device
from OpportunisticBMDTraining.command_line import BAD_INPUT, named_path
from OpportunisticBMDTraining.evaluate.comparisons import Comparison, load_comparisons, write_comparisons
from OpportunisticBMDTraining.evaluate.designs import DesignRow, designs_of
from OpportunisticBMDTraining.evaluate.evaluate import evaluate
from OpportunisticBMDTraining.evaluate.figures import figures_of
from OpportunisticBMDTraining.evaluate.report import EvaluationReport, write_report
from OpportunisticBMDTraining.evaluate.sources import COHORTS, UNSEEN_SEED, AnnotatedCases, CaseSource, VirtualCohort
from OpportunisticBMDTraining.evaluate.table import design_table, goal_table, table
from OpportunisticBMDTraining.evaluate.trust import trust_table


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 for bad input."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(given)
    try:
        report = EvaluationReport(*_evaluated(options, f"opportunistic-bmd-lab evaluate {shlex.join(given)}".rstrip()))
        _write(report, options.output)
    except (BadInput, ValueError) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    print(table(report.comparisons))
    print()
    print(goal_table(figures_of(report.comparisons), report.cohort))
    print()
    print(trust_table(report.comparisons))
    if report.designs:
        print()
        print(design_table(report.designs))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab evaluate", description=__doc__)
    parser.add_argument("-n", type=int, default=30, help="number of virtual patients")
    parser.add_argument("--seed", type=int, default=UNSEEN_SEED, help="seed of the first one")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--cohort", choices=COHORTS, default=COHORTS[0], help="which virtual patients")
    source.add_argument("--dataset", type=Path, help="an annotated dataset instead of virtual patients")
    source.add_argument("--from", dest="cases", type=Path, help="cases.csv of an earlier run: only report again")
    parser.add_argument("--fold", type=int, help="only this fold of the dataset, e.g. 4, the test set")
    parser.add_argument("--models", type=Path, help="another model folder")
    parser.add_argument(
        "--against",
        metavar="NAME=PATH",
        action="append",
        default=[],
        type=named_path("NAME=PATH"),
        help="a row for another design: a model folder, or cases.csv of its run on the same patients; repeatable",
    )
    parser.add_argument("--name", default="these models", help="what the models are called beside other designs")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once; each needs about 3 GB")
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="auto takes a GPU where there is one")
    parser.add_argument("-o", "--output", type=Path, help="a .csv file, or a folder for the whole report")
    return parser


def _evaluated(options: argparse.Namespace, command: str) -> tuple[list[Comparison], str, tuple[DesignRow, ...]]:
    cases = None if options.cases else _cases(options)
    comparisons = load_comparisons(options.cases) if cases is None else _run(cases, options.models, options, "patients")
    others = {name: _design_cases(cases, name, path, options) for name, path in options.against}
    designs = designs_of({options.name: comparisons, **others}) if others else ()
    return comparisons, command, designs


def _cases(options: argparse.Namespace) -> CaseSource:
    if options.dataset:
        return AnnotatedCases(options.dataset, options.fold)
    return VirtualCohort(options.cohort, options.seed, options.n)


def _design_cases(cases: CaseSource | None, name: str, path: Path, options: argparse.Namespace) -> Sequence[Comparison]:
    if path.is_file():
        return load_comparisons(path)
    if cases is None:
        raise BadInput(f"{path} is no file; with --from, give the cases.csv of the other design too.")
    return _run(cases, path, options, name)


def _run(cases: CaseSource, models: Path | None, options: argparse.Namespace, title: str) -> list[Comparison]:
    if options.jobs < 1:
        raise BadInput(f"--jobs is {options.jobs}; give 1 or more.")
    return evaluate(cases, models, device=chosen_device(options.device), jobs=options.jobs, title=title)


def _write(report: EvaluationReport, output: Path | None) -> None:
    if output is None:
        return
    if output.suffix == ".csv":
        write_comparisons(output, report.comparisons)
    elif output.is_file():
        raise BadInput(f"{output} is a file; give a folder for the report, or a name that ends with .csv.")
    else:
        write_report(report, output)


if __name__ == "__main__":
    sys.exit(main())
