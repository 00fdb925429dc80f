"""A process of a cohort: measures what it is given, and leaves every CT done, or to be begun again."""

from __future__ import annotations

import errno
import os
import shutil

from OpportunisticBMDLib.cohort.attempts import MOST_ATTEMPTS, begin, end
from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.cohort.limits import limit_memory, take_core
from OpportunisticBMDLib.cohort.measurer import Measurer, Way
from OpportunisticBMDLib.cohort.place import Place
from OpportunisticBMDLib.cohort.row import FAILED, Row, failed_row, keep, kept_row

ENDED = f"The process that measured it ended unexpectedly {MOST_ATTEMPTS} times (out of memory?)."
LEAST_FREE_BYTES = 50 * 10**6  # of the disk: results of a CT take up to 10 MB


class Worker:
    """A plain class, which Ray makes an actor of.

    Args:
        place: of the cohort.
        memory_gb: that a CT may take beside what the models need.
    """

    def __init__(self, way: Way, place: Place, memory_gb: float) -> None:
        self._way, self._place, self._memory_gb = way, place, memory_gb

    def load(self) -> None:
        """
        Raises:
            BadInput: the models cannot be loaded.
        """
        take_core()
        self._measurer = Measurer(self._way)
        limit_memory(self._memory_gb)

    def work(self, case: Case) -> Row:
        """Measures a CT; its row lies in the folder of its results when this ends.

        Raises:
            OSError: nothing can be written any more.
        """
        attempts, folder = self._place.attempts, self._place.of(case.name)
        row = kept_row(folder)  # of a process that ended before it could tell
        if row is None:
            row = self._tried(case, begin(attempts, case.name))
            keep(folder, row)
        end(attempts, case.name)
        return row

    def _tried(self, case: Case, times_before: int) -> Row:
        if times_before >= MOST_ATTEMPTS:
            return failed_row(case, ENDED)
        row = self._measurer.measure(case, self._place.of(case.name))
        if row.status == FAILED and shutil.disk_usage(self._place.folder).free < LEAST_FREE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._place.folder))  # not the CT's fault
        return row
