"""`opportunistic-bmd-lab sizing --manifest DIR --workers 16 64 256`: days, core hours and cost of a whole archive.

Simulates the campaign from the times that a cohort took (the manifest of `opportunistic-bmd cohort`), or from a mean
and a spread. Prints a Markdown table with a row for each number of workers, and below it what it stands on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.sizing.campaign import Cluster, Line, simulated
from OpportunisticBMDTraining.sizing.losses import Loss
from OpportunisticBMDTraining.sizing.table import Prices, assumptions, table
from OpportunisticBMDTraining.sizing.times import Times, assumed_times, measured_times

HOUR_S = 3600.0
SHORTEST_RUN = 100  # CTs that a node must last for on the average: with less a campaign would hardly get on


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    return exit_status(lambda: print(sized(options)))


def sized(options: argparse.Namespace) -> str:
    """The table and the assumptions under it.

    Raises:
        BadInput: see `measured_times`, or nodes are lost faster than CTs are measured.
    """
    random = np.random.default_rng(options.seed)
    times = _times(options, random)
    losses = [Loss(every_h * HOUR_S, away_h * HOUR_S) for every_h, away_h in options.lost or ()]
    if any(loss.every_s < SHORTEST_RUN * times.mean_s for loss in losses):
        raise BadInput("Nodes are lost before they get anything done; give --lost in hours, e.g. --lost 2000 4.")
    line = Line(options.gbit, options.ct_mb + options.result_mb)
    clusters = [
        Cluster(workers, options.workers_a_node, options.start_s, options.ended, losses) for workers in options.workers
    ]
    campaigns = [simulated(options.ct, times, cluster, line, random) for cluster in clusters]
    prices = Prices(options.core_hour_price, options.result_mb)
    return f"{table(campaigns, prices)}\n\n{assumptions(times, line, prices, options.ct)}"


def _times(options: argparse.Namespace, random: np.random.Generator) -> Times:
    if options.manifest is not None:
        return measured_times(options.manifest)
    return assumed_times(options.mean_s, options.sd_s, random)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab sizing", description=__doc__.partition("\n\n")[2])
    times = parser.add_mutually_exclusive_group(required=True)
    times.add_argument("--manifest", type=Path, metavar="DIR", help="of a cohort: CTs take as long as those in it")
    times.add_argument("--mean-s", type=positive, metavar="S", help="seconds that a core takes for a CT, lognormal")

    def add(name: str, kind: Callable[[str], float], default: float, metavar: str, told: str) -> None:
        told = f"{told} (default: %(default)s)"
        parser.add_argument(name, type=kind, default=default, metavar=metavar, help=told)

    add("--sd-s", positive, 2.0, "S", "the SD of these, where their mean is given")
    add("--ct", count, 1_000_000, "N", "how many CTs there are")
    parser.add_argument(
        "--workers", type=count, nargs="+", default=[16, 64, 256], metavar="N", help="a core each (default: 16 64 256)"
    )
    add("--workers-a-node", count, 16, "N", "workers that are lost together")
    add("--start-s", positive, 15.0, "S", "seconds that a worker takes to start")
    add("--ended", share, 0.001, "SHARE", "of attempts at a CT: those that end the worker")
    parser.add_argument(
        "--lost",
        type=positive,
        nargs=2,
        action="append",
        metavar=("EVERY_H", "AWAY_H"),
        help="a node is lost so often, for so many hours (default: never); once for breakage, once for preemption",
    )
    add("--gbit", positive, 10.0, "RATE", "gigabits a second from the archive to all workers together")
    add("--ct-mb", positive, 150.0, "MB", "megabytes of a CT as it is sent")
    add("--result-mb", positive, 3.0, "MB", "megabytes of the results of a CT")
    add("--core-hour-price", positive, 0.04, "PRICE", "of a core for an hour, in any currency")
    add("--seed", int, 1, "N", "of all that is drawn")
    return parser


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < np.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to below 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
