"""`opportunistic-bmd cohort`."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from OpportunisticBMDLib.cli.chain import add_setup, check_voltage, setup_of
from OpportunisticBMDLib.cli.installed import check_installed
from OpportunisticBMDLib.cli.statuses import MEASURED, STOPPED
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.streams import complain, show

if TYPE_CHECKING:
    from OpportunisticBMDLib.cohort.measurer import Way


def prepare(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes: a source, or what is asked about a cohort that is there."""
    parser.usage = "%(prog)s [options] SOURCE -o DIR | status DIR | report DIR"
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a folder of CTs, a CSV or Parquet list with a column path, or an archive's address",
    )
    parser.add_argument("cohort", type=Path, nargs="?", metavar="DIR", help="after status or report: of the cohort")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="where the results go")
    parser.add_argument("--address", metavar="RAY", help="of a Ray cluster (default: Ray on this computer)")
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="processes (default: as many as have a core and their memory)",
    )
    parser.add_argument("--limit", type=float, default=10.0, metavar="MIN", help="that a CT may take (default: 10)")
    parser.add_argument(
        "--memory",
        type=float,
        default=4.0,
        metavar="GB",
        help="that a CT may take, beside the models (default: 4)",
    )
    parser.add_argument("--retry", action="store_true", help="measure those again that failed")
    parser.add_argument(
        "--dicom", action="store_true", help="also write DICOM objects of the patients' studies (they say who it is)"
    )
    parser.add_argument("--kvp", type=float, metavar="KV", help="the tube voltage of CTs whose file states none, kV")
    add_setup(parser)
    parser.set_defaults(command=_cohort, device="cpu")


def _cohort(options: argparse.Namespace) -> int:
    check_installed("pyarrow", "cohort", "cohort")
    if options.cohort is None:
        return _measure(options)
    actions = {"status": _status, "report": _report}
    if options.source not in actions:
        raise BadInput(f"cohort knows no {options.source!r}: write status or report before {options.cohort}.")
    return actions[options.source](options.cohort)


def _measure(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.cli.cohort_progress import reported
    from OpportunisticBMDLib.cohort.place import Place
    from OpportunisticBMDLib.cohort.run import Workforce, left_of, measured
    from OpportunisticBMDLib.cohort.sources import cases_of

    _check(options)
    cases, place = cases_of(options.source), Place(options.output.absolute())
    workforce = Workforce(options.address, options.jobs, 60 * options.limit, options.memory)
    with place.held():
        place.enter(_settings(options), len(cases))
        left = left_of(cases, place, retry=options.retry)
        try:
            with (
                reported(options.progress, len(cases), len(left)) as hear,
                closing(measured(left, _way(options), place, workforce)) as rows,
            ):
                for row in rows:
                    hear(row)
        except KeyboardInterrupt:
            complain("opportunistic-bmd: stopped; the same command goes on where it was.")
            return STOPPED
        return _report(place.folder)


def _status(folder: Path) -> int:
    from OpportunisticBMDLib.cohort.place import Place
    from OpportunisticBMDLib.cohort.status import in_words

    for line in in_words(Place(folder)):
        show(line)
    return MEASURED


def _report(folder: Path) -> int:
    from OpportunisticBMDLib.cohort.place import Place
    from OpportunisticBMDLib.cohort.report import write_report

    for line in write_report(Place(folder)):
        show(line)
    return MEASURED


def _check(options: argparse.Namespace) -> None:
    """Before anything is read or made."""
    check_installed("ray", "cohort", "cohort")
    if options.dicom:
        check_installed("highdicom", "--dicom", "dicom")
    if options.output is None:
        raise BadInput("Say with -o in which folder the results of the cohort go.")
    if Path(options.source).resolve() in (options.output.resolve(), *options.output.resolve().parents):
        raise BadInput(f"{options.output} lies in {options.source}, where it would be taken for a CT; choose another.")
    for name, value in (("--jobs", options.jobs), ("--limit", options.limit), ("--memory", options.memory)):
        if value is not None and value <= 0:
            raise BadInput(f"{name} is {value:g}; give a number above 0.")
    if options.kvp is not None:
        check_voltage(options.kvp)


def _way(options: argparse.Namespace) -> Way:
    from OpportunisticBMDLib.cohort.measurer import Way

    models = options.models and options.models.resolve()  # of processes whose folder is another
    return Way(replace(setup_of(options), models=models), options.dicom, options.kvp)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """What all CTs of a cohort have in common."""
    from OpportunisticBMDLib.cohort.in_archive import is_archive

    return {
        "source": options.source if is_archive(options.source) else str(Path(options.source).resolve()),
        "dicom": options.dicom,
        "kvp": options.kvp,
        "registry": not options.no_registry,
        "models": options.models and str(options.models.resolve()),
        "engine": options.engine,
        "material": options.material,
    }
