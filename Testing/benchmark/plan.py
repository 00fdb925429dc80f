"""What is measured, one child after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from Testing.benchmark import child
from Testing.benchmark.child import all_cores
from Testing.benchmark.timing import COMPUTE, PLAIN, READ, Timing

ENGINES = ("openvino", "torch")
SERIES = "series"  # the folder of DICOM series
MEASURED_OR_REFUSED = (0, 3)  # exit statuses of the program: either is a whole run


Job = Callable[[], list[Timing]]


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Args:
        runs: of everything.
        slices: of the CT that everything is measured on.
        more_slices: of those by which growth with volume is told.
        engines: whose stages and program are measured, the best first, by which growth is told.
        cores: numbers of them by which growth with cores is told.
        beside_plain: whether plain PyTorch is measured as well.
        reads_series: whether DICOM series are read.
    """

    runs: int
    slices: int
    more_slices: tuple[int, ...]
    engines: tuple[str, ...]
    cores: tuple[int, ...]
    beside_plain: bool
    reads_series: bool

    @classmethod
    def whole(cls, runs: int, slices: int, more_slices: Sequence[int]) -> Plan:
        cores = tuple(range(1, all_cores() + 1))
        return cls(runs, slices, tuple(more_slices), installed_engines(), cores, True, True)

    @classmethod
    def short(cls, slices: int) -> Plan:
        """One run with the best engine."""
        return cls(1, slices, (), installed_engines()[:1], (), False, False)


@dataclass(frozen=True)
class Found:
    """What a plan's measurements gave.

    Args:
        floor: arguments of `report.Floor`.
    """

    timings: tuple[Timing, ...]
    floor: dict[str, Any]


def installed_engines() -> tuple[str, ...]:
    return tuple(name for name in ENGINES if find_spec(name))


def carried_out(plan: Plan, folder: Path, shown: Callable[[list[Job]], Iterable[Job]] = iter) -> Found:
    """Measures everything.

    Args:
        folder: for the CTs; it should be empty.
        shown: passes the jobs on and shows how far it is, as tqdm does.
    """
    timings = [timing for job in shown(_jobs(plan, folder)) for timing in job()]
    floor = json.loads(child.run("Testing.benchmark.floor", _calls(folder, plan.slices)).said)
    return Found(tuple(timings), {**floor, "ct_bytes": _file(folder, plan.slices).stat().st_size})


def _jobs(plan: Plan, folder: Path) -> list[Job]:
    """In the order in which they have to be done: the programs find what the stages kept for the next start."""
    cores, best = all_cores(), plan.engines[0]
    series = [f"--series={folder / SERIES}"] if plan.reads_series else []
    engines = (*plan.engines, *([PLAIN] if plan.beside_plain else []))
    grown = [(slices, cores) for slices in plan.more_slices]
    grown += [(plan.slices, fewer) for fewer in plan.cores if fewer < cores]
    return [
        partial(_scans, folder, (plan.slices, *plan.more_slices), series),
        *(partial(_stages, plan.runs, folder, engine, plan.slices, cores) for engine in engines),
        *(partial(_compute, plan.runs, folder, engine, plan.slices, cores) for engine in plan.engines),
        *(partial(job, plan.runs, folder, best, *size) for size in grown for job in (_stages, _compute)),
        *([partial(_series, plan.runs, folder / SERIES, plan.slices)] if plan.reads_series else []),
    ]


def _scans(folder: Path, slices: Sequence[int], series: Sequence[str]) -> list[Timing]:
    child.run("Testing.benchmark.scan", folder, *slices, *series)
    return []


def _stages(runs: int, folder: Path, engine: str, slices: int, cores: int) -> list[Timing]:
    words = (_file(folder, slices), "--engine", engine, "--runs", runs, "--calls", _calls(folder, slices))
    said = json.loads(child.run("Testing.benchmark.stages", *words, cores=cores).said)
    return [
        Timing(what, engine, slices, cores, tuple(told["wall_s"]), tuple(told["cpu_s"]), precision=told["precision"])
        for what, told in said.items()
    ]


def _compute(runs: int, folder: Path, engine: str, slices: int, cores: int) -> list[Timing]:
    """The program as a user starts it: from the start of its process to its end, with all files written."""
    words = ("compute", _file(folder, slices), "-o", folder / "results", "--engine", engine)
    words = (*words, "--kvp", 120, "--no-registry", "--progress", "none")
    ended = [child.run("OpportunisticBMDLib", *words, cores=cores, statuses=MEASURED_OR_REFUSED) for _ in range(runs)]
    wall, cpu = tuple(run.wall_s for run in ended), tuple(run.cpu_s for run in ended)
    return [Timing(COMPUTE, engine, slices, cores, wall, cpu, tuple(run.peak_bytes for run in ended))]


def _series(runs: int, folder: Path, slices: int) -> list[Timing]:
    timings = []
    for series in sorted(folder.iterdir()):
        said = json.loads(child.run("Testing.benchmark.reading", series, "--runs", runs).said)
        wall, cpu = zip(*said)
        timings.append(Timing(f"{READ}: {series.name}", "", slices, all_cores(), wall, cpu))
    return timings


def _file(folder: Path, slices: int) -> Path:
    return folder / f"{slices}.nii"


def _calls(folder: Path, slices: int) -> Path:
    """Where the stages say what they show the networks."""
    return folder / f"{slices}-calls.json"
