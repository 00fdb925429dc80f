"""`opportunistic-bmd-lab dataset`: check, split, rank and add to annotated datasets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDTraining.command_line import exit_status

NO_FAULT, FAULTS = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 1 where a check found faults, 2 for bad input."""
    options = _parser().parse_args(arguments)
    return exit_status(lambda: options.command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab dataset", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    check = commands.add_parser("check", help="name every fault, one line each; exit status 1 when there are any")
    check.add_argument("directory", type=Path, metavar="DIR")
    check.set_defaults(command=_check)
    split = commands.add_parser("split", help="deal the patients into 6:2:2 with 4-fold cross-validation")
    split.add_argument("directory", type=Path, metavar="DIR")
    split.add_argument("--seed", type=int, default=0, help="another seed deals anew")
    split.set_defaults(command=_split)
    rank = commands.add_parser("rank", help="list the cases that wait for annotation, the hardest first")
    rank.add_argument("directory", type=Path, metavar="DIR")
    rank.add_argument("--models", type=Path, metavar="MODELS", help="another model folder")
    rank.add_argument("--again", action="store_true", help="measure also the cases that were measured before")
    rank.set_defaults(command=_rank)
    add = commands.add_parser("add", help="add a CT as a new case, without its patient's identity")
    add.add_argument("directory", type=Path, metavar="DIR")
    add.add_argument("ct", type=Path, metavar="CT", help="image file, DICOM folder, or zip")
    add.add_argument("--series", metavar="UID", help="of a DICOM folder with several series")
    add.add_argument("--patient", metavar="PSEUDONYM", help="joins several cases of one patient")
    add.set_defaults(command=_add)
    return parser


def _check(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.cases.check import check

    report = check(options.directory, progress=sys.stderr.isatty())
    for fault in report.faults:
        print(fault)
    if not report.faults:
        print(f"no faults in {report.cases} cases")
    return FAULTS if report.faults else NO_FAULT


def _split(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.cases.split import split, table
    from OpportunisticBMDLib.cases.store import open_dataset

    before = {entry.id: entry.fold for entry in open_dataset(options.directory).entries}
    dataset = split(options.directory, options.seed)
    print(table(dataset))
    moved = sum(before[entry.id] not in (None, entry.fold) for entry in dataset.entries)
    if moved:
        print(f"{moved} cases changed their fold: do not test models on them that were fitted before.")
    return NO_FAULT


def _rank(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.cases.hardest import in_words, rank, uncertainties

    def chain() -> Callable[[CT], Run]:
        from OpportunisticBMDLib.pipeline import Pipeline

        return Pipeline.load(options.models).run

    ids = rank(options.directory, chain, again=options.again)
    print(in_words(ids, uncertainties(options.directory)))
    return NO_FAULT


def _add(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.cases.anonymous import add_ct, subject_in
    from OpportunisticBMDLib.reading import read_ct

    ct = read_ct(options.ct, options.series)
    subject = subject_in(options.ct) if ct.acquisition.format == "DICOM" and options.ct.is_dir() else {}
    print(add_ct(options.directory, ct, subject, options.patient))
    return NO_FAULT


if __name__ == "__main__":
    sys.exit(main())
