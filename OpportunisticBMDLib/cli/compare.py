"""`opportunistic-bmd compare`."""

from __future__ import annotations

import argparse
from pathlib import Path

from OpportunisticBMDLib.cli.statuses import MEASURED
from OpportunisticBMDLib.system.streams import show


def prepare(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument(
        "results", type=Path, nargs="+", metavar="RESULT", help="result.json of each CT, or its folder; earlier first"
    )
    parser.add_argument(
        "--dates", nargs="+", default=[], metavar="DATE", help="of the CTs, as 2026-05-12 or 2026-05, in the same order"
    )
    parser.add_argument("--same-scanner", action="store_true", help="all CTs were made on one scanner")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="also write it to FILE, a .csv, .json or .html"
    )
    parser.set_defaults(command=_compare)


def _compare(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.followup.change import changes
    from OpportunisticBMDLib.followup.files import write_changes, writer_of
    from OpportunisticBMDLib.followup.read import read_scans
    from OpportunisticBMDLib.followup.wording import in_words

    if options.output:
        writer_of(options.output)  # before anything is read
    found = changes(read_scans(options.results, options.dates), same_scanner=options.same_scanner)
    show(in_words(found))
    if options.output:
        write_changes(options.output, found)
        show(f"The comparison is in {options.output}.")
    return MEASURED
