"""Workers as Ray's actors: one CT at a time each, a new actor for one that ended, and an end for one that hangs.

Not Ray Data: it hands out blocks of rows and tries a block again when its actor dies, but tells neither which row
killed the actor nor how long a row takes, and a poisoned file would take its neighbours with it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.cohort.row import Row
from OpportunisticBMDLib.core.errors import BadInput

LOOK_S = 1.0  # how long to wait for a row before hanging actors are looked for
MOST_FAILED_STARTS = 3  # in a row


@dataclass(frozen=True)
class _Task:
    """What an actor does: a CT, or loading the models."""

    actor: Any
    case: Case | None
    since: float


class Actors:
    """Measures CTs in several processes.

    Args:
        make: an actor of `Worker`, which does nothing yet.
        jobs: how many there are at a time.
        limit_s: that a CT may take.
        too_long: the row of a CT that took longer.
    """

    def __init__(self, make: Callable[[], Any], jobs: int, limit_s: float, too_long: Callable[[Case], Row]) -> None:
        self._make, self._jobs, self._limit_s, self._too_long = make, jobs, limit_s, too_long
        self._waiting: deque[Case] = deque()
        self._busy: dict[Any, _Task] = {}
        self._failed_starts = 0

    def rows(self, cases: Iterable[Case]) -> Iterator[Row]:
        """A row for each CT, as soon as it is there. Where this is left early, `underway` tells what was begun.

        Raises:
            BadInput: the models cannot be loaded.
            OSError: nothing can be written any more.
        """
        import ray

        self._waiting.extend(cases)
        for _ in range(min(self._jobs, len(self._waiting))):
            self._start()
        while self._waiting or self.underway:  # a cluster may have no room for all processes: some never load
            done, _ = ray.wait(list(self._busy), timeout=LOOK_S)
            for reference in done:
                yield from self._ended(reference)
            yield from self._overdue()

    @property
    def underway(self) -> list[Case]:
        """The CTs that are being measured."""
        return [task.case for task in self._busy.values() if task.case is not None]

    def _start(self) -> None:
        actor = self._make()
        self._busy[actor.load.remote()] = _Task(actor, None, time.monotonic())

    def _ended(self, reference: Any) -> Iterator[Row]:
        import ray
        from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError

        task = self._busy.pop(reference)
        try:
            row = ray.get(reference)
        except RayTaskError as error:
            raise error.cause from None
        except (RayActorError, OutOfMemoryError):  # the latter where Ray ended it, lest the computer stops
            self._died(task)
            return
        self._failed_starts = 0
        if task.case is not None:
            yield row
        if self._waiting:
            case = self._waiting.popleft()
            self._busy[task.actor.work.remote(case)] = _Task(task.actor, case, time.monotonic())

    def _died(self, task: _Task) -> None:
        """The CT goes to the end of the queue: the worker counts how often it was begun."""
        if task.case is not None:
            self._waiting.append(task.case)
        else:
            self._failed_starts += 1
        if self._failed_starts >= MOST_FAILED_STARTS:
            raise BadInput(
                "The processes that measure end while they load the models (out of memory?); give fewer jobs."
            )
        if self._waiting:
            self._start()

    def _overdue(self) -> Iterator[Row]:
        import ray

        now = time.monotonic()
        for reference, task in list(self._busy.items()):
            if task.case is not None and now - task.since > self._limit_s:
                ray.kill(task.actor)
                del self._busy[reference]
                yield self._too_long(task.case)
                if self._waiting:
                    self._start()
