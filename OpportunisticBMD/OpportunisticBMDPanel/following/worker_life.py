"""When the worker starts before it is needed, and when it ends: it starts slowly, and holds much memory."""

from __future__ import annotations

from collections.abc import Callable

from OpportunisticBMDPanel.following.worker_link import WorkerLink

QUIET_S = 3.0  # in the module with a CT, before the models are loaded so that Compute need not wait for them
IDLE_S = 600.0  # without a job while the reader is in the module, before the worker ends
LEFT_S = 60.0  # without a job after the reader left the module, before the worker ends


class WorkerLife:
    """Starts the worker ahead of its first job, and ends it when it had none for long; the next job starts it again.

    Args:
        clock: seconds, ever growing.
    """

    def __init__(self, worker: WorkerLink, clock: Callable[[], float]) -> None:
        self._worker, self._clock = worker, clock
        self._is_attended = False
        self._rests_since = clock()  # by the clock, as the next
        self._expected_since: float | None = None  # None where no job is expected

    def enter(self) -> None:
        """The reader is in the module."""
        self._is_attended, self._rests_since = True, self._clock()

    def leave(self) -> None:
        """The reader is elsewhere."""
        self._is_attended, self._rests_since = False, self._clock()
        self._expected_since = None

    def expect(self) -> None:
        """The reader is likely to want a job soon."""
        self._expected_since = self._clock()

    def tick(self, is_active: bool) -> None:
        """Starts or ends the worker if it is time.

        Args:
            is_active: something runs or waits for the worker.
        """
        now = self._clock()
        if is_active or not self._worker.is_started:
            self._rests_since = now
        if self._worker.is_started:
            self._expected_since = None
            if now - self._rests_since >= (IDLE_S if self._is_attended else LEFT_S):
                self._worker.close()
        elif self._expected_since is not None and now - self._expected_since >= QUIET_S:
            self._worker.warm_up()
