"""A whole cohort: what is done is taken over, the rest is measured, and every CT gets into the manifest once.

Killed at any moment, the same goes on: a CT is done from the moment in which its row lies in its folder, and the rows
that no part of the manifest has yet are found there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.cohort import cluster
from OpportunisticBMDLib.cohort.actors import Actors
from OpportunisticBMDLib.cohort.attempts import end
from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.cohort.limits import GB
from OpportunisticBMDLib.cohort.manifest import Manifest
from OpportunisticBMDLib.cohort.measurer import Way
from OpportunisticBMDLib.cohort.place import Place
from OpportunisticBMDLib.cohort.row import ROW, Row, failed_row, keep, kept_row
from OpportunisticBMDLib.cohort.worker import Worker
from OpportunisticBMDLib.system.processes import usable_cores

# A part of the manifest is written after so many rows, or so long: of a run of weeks there are some hundred parts.
PART_ROWS, PART_S, PART_SHARE = 1000, 30.0, 0.01
MODELS_GB = 1.5  # that a process takes before its first CT


@dataclass(frozen=True)
class Workforce:
    """Who measures.

    Args:
        address: of a Ray cluster; None for this computer.
        jobs: processes; None for as many as have a core and their memory.
        limit_s: that a CT may take.
        memory_gb: that a CT may take.
    """

    address: str | None = None
    jobs: int | None = None
    limit_s: float = 600.0
    memory_gb: float = 4.0

    @property
    def process_gb(self) -> float:
        """Of a process at most."""
        return MODELS_GB + self.memory_gb

    def hired(self) -> AbstractContextManager[None]:
        """Ray, for as long as it is needed."""
        return cluster.local(self.jobs or usable_cores()) if self.address is None else cluster.at(self.address)


def left_of(cases: Sequence[Case], place: Place, *, retry: bool = False) -> list[Case]:
    """The CTs that are to be measured; finished ones that were not in the manifest are in it from now on.

    Args:
        place: held by this process.
        retry: whether those that failed are measured again.

    Raises:
        BadInput: the manifest is damaged.
    """
    manifest = Manifest(place.manifest)
    finished = _finished_since(cases, manifest, place)
    if finished:
        manifest.append(finished)
    if retry:
        for name in manifest.forget_failed({case.name for case in cases}):
            (place.of(name) / ROW).unlink(missing_ok=True)
    done, tried = manifest.names(), _names_in(place.attempts)
    left = [case for case in cases if case.name not in done]
    return sorted(left, key=lambda case: case.name in tried)  # what may have ended a process comes last


def _finished_since(cases: Sequence[Case], manifest: Manifest, place: Place) -> list[Row]:
    """Rows that no part of the manifest has."""
    new = _names_in(place.cases) - manifest.names()
    rows = [kept_row(place.of(case.name)) for case in cases if case.name in new]
    return [row for row in rows if row is not None]


def _names_in(folder: Path) -> set[str]:
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries}


def measured(left: Sequence[Case], way: Way, place: Place, workforce: Workforce) -> Generator[Row, None, None]:
    """Measures CTs and gives each row as soon as it is kept; when this is closed, all of them are in the manifest.

    Raises:
        BadInput: Ray does not start, or the models cannot be loaded.
        OSError: nothing can be written any more.
    """
    if not left:
        return
    parts = _Parts(Manifest(place.manifest))
    underway: list[Case] = []
    try:
        with workforce.hired():
            actors = _actors(way, place, workforce)
            try:
                for row in actors.rows(left):
                    parts.add(row)
                    yield row
            finally:
                underway = actors.underway
    finally:
        parts.close()
        for case in underway:  # stopped on purpose, which tells nothing about the CT
            end(place.attempts, case.name)


class _Parts:
    """Rows on their way into the manifest."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._rows: list[Row] = []
        self._begun = self._since = time.monotonic()

    def add(self, row: Row) -> None:
        self._rows.append(row)
        now = time.monotonic()
        if len(self._rows) >= PART_ROWS or now - self._since >= max(PART_S, PART_SHARE * (now - self._begun)):
            self.close()

    def close(self) -> None:
        if self._rows:
            self._manifest.append(self._rows)
        self._rows, self._since = [], time.monotonic()


def _actors(way: Way, place: Place, workforce: Workforce) -> Actors:
    import ray

    needs = {"num_cpus": 1, "max_restarts": 0}
    if workforce.jobs is None:
        needs["memory"] = int(workforce.process_gb * GB)
    actor = ray.remote(Worker).options(**needs)

    def make() -> Any:
        return actor.remote(way, place, workforce.memory_gb)

    jobs = workforce.jobs or cluster.most_processes(workforce.process_gb)
    return Actors(make, jobs, workforce.limit_s, _too_long(place, workforce.limit_s))


def _too_long(place: Place, limit_s: float) -> Callable[[Case], Row]:
    def row_of(case: Case) -> Row:
        row = failed_row(case, f"It took longer than {limit_s / 60:g} minutes.", limit_s)
        keep(place.of(case.name), row)
        end(place.attempts, case.name)
        return row

    return row_of
