"""`opportunistic-bmd simulate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from OpportunisticBMDLib.cli.laboratory import laboratory
from OpportunisticBMDLib.cli.statuses import MEASURED
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.streams import show

COHORTS = ("one-scanner", "many-scanners")  # of virtual patients


def prepare(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument("-n", type=int, required=True, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, required=True, metavar="S", help="seed of the first one")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the dataset's folder")
    parser.add_argument("--cohort", choices=COHORTS, default=COHORTS[0], help="how much the patients differ")
    parser.set_defaults(command=_simulate)


def _simulate(options: argparse.Namespace) -> int:
    if options.n < 1:
        raise BadInput(f"-n is {options.n}; ask for at least one virtual patient.")
    laboratory("simulate").simulate(options.n, options.seed, options.output, options.cohort)
    show(f"{options.n} virtual patients in {options.output}")
    return MEASURED
