"""New studies of an archive measured as they come, and their results sent back, each once.

The order of steps makes that hold whenever the program is killed: results lie in the folder, complete, before anything
is sent, and stay until the journal says that all was. What is sent again has the UIDs that it had before, so that an
archive keeps it once.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.archive import Archive, ArchiveError
from OpportunisticBMDLib.pacs.choose import ct_instances, holds_results
from OpportunisticBMDLib.pacs.entry import Entry, Patience, State
from OpportunisticBMDLib.pacs.fetch import SCRATCH_PREFIX
from OpportunisticBMDLib.pacs.found import Asked, Series, is_uid
from OpportunisticBMDLib.pacs.journal import Journal
from OpportunisticBMDLib.pacs.measure import SENDING, are_measured, measure_study, send_results
from OpportunisticBMDLib.pacs.stopping import Stopping
from OpportunisticBMDLib.system.progress import Progress
from OpportunisticBMDLib.system.scratch import clear_abandoned

if TYPE_CHECKING:
    from OpportunisticBMDLib.pipeline import Pipeline

LOOKING, WAITING = "look for studies", "wait"
KNOWN_BEFORE = "the archive held its results"


@dataclass(frozen=True)
class Watch:
    """What a watch works with.

    Args:
        directory: of the journal, and of what is not sent yet; nobody else works in it (see `only_watch`).
        asked: gives the studies that are meant, at the moment.
        tell: hears in a sentence what became of a study, or of looking for some.
    """

    archive: Archive
    pipeline: Pipeline
    directory: Path
    journal: Journal
    asked: Callable[[], Asked]
    patience: Patience
    tell: Callable[[str], None]
    progress: Progress

    def run(self, stopping: Stopping, every_s: float, *, once: bool) -> None:
        """Looks, works and waits until it is asked to stop.

        Args:
            every_s: between two looks at the archive.
            once: also ends when no study waits any more.

        Raises:
            ArchiveError: `once`, and the archive failed as often as patience lasts.
            BadInput: the journal cannot be written.
        """
        self._tidy()
        failures = 0
        while not stopping.is_asked:
            try:
                self._look_for_studies()
            except ArchiveError as error:
                failures += 1
                if once and failures >= self.patience.tries:
                    raise
                self.tell(str(error))
                pause_s = self.patience.pause_s(failures)
            else:
                failures, pause_s = 0, every_s
                self._work(stopping)
                if once and not self.journal.waiting():
                    return
            if not stopping.is_asked:
                self.progress(WAITING, 0.0)
                stopping.wait(pause_s)

    def _tidy(self) -> None:
        """Removes what a killed run has left: a CT on its way, and results that had been sent."""
        clear_abandoned(self.directory, SCRATCH_PREFIX)
        for path in self.directory.iterdir():
            entry = self.journal.of(path.name) if is_uid(path.name) else None
            if entry is not None and entry.state is State.DONE:
                shutil.rmtree(path, ignore_errors=True)

    def _look_for_studies(self) -> None:
        """Takes down which studies there are, and which of them have grown since the last look.

        Raises:
            ArchiveError: the archive cannot say; should that be due to one study, it is left out for a while.
        """
        self.progress(LOOKING, 0.0)
        found = [study.uid for study in self.archive.studies(self.asked())]
        waiting = [entry.study_uid for entry in self.journal.waiting()]
        for uid in dict.fromkeys([*found, *waiting]):
            entry = self.journal.of(uid) or Entry(uid)
            if entry.state is State.WAITING and not entry.is_complete and entry.is_due(time.time(), self.patience):
                self._look_at(entry)

    def _look_at(self, entry: Entry) -> None:
        try:
            self.journal.put(_looked_at(entry, self.archive.series(entry.study_uid)))
        except ArchiveError as error:
            self.journal.put(entry.failed(str(error), time.time(), self.patience))
            raise

    def _work(self, stopping: Stopping) -> None:
        for entry in self.journal.waiting():
            if stopping.is_asked:
                return
            if entry.is_complete and entry.is_due(time.time(), self.patience):
                changed = self._tried(entry)
                self.journal.put(changed)
                self._after(changed)

    def _after(self, entry: Entry) -> None:
        if entry.state is State.DONE:
            shutil.rmtree(self._results_of(entry), ignore_errors=True)
        self.tell(f"{entry.study_uid}: {entry.state.value}{f', {entry.reason}' if entry.reason else ''}")

    def _tried(self, entry: Entry) -> Entry:
        """What is known of a study after it was measured and its results were sent, or that failed."""
        try:
            return self._measured_and_sent(entry)
        except BadInput as error:
            if _may_pass(error):
                return entry.failed(str(error), time.time(), self.patience)
            return entry.set_aside(str(error))
        except OSError as error:
            reason = f"the disk does not do what it should ({error.strerror or type(error).__name__})"
            return entry.failed(reason, time.time(), self.patience)
        except MemoryError:
            return entry.failed("there was not enough memory", time.time(), self.patience)
        except Exception as error:  # one study must not end the watch over all; its words may quote the header
            return entry.set_aside(f"the program failed on it ({type(error).__name__}): please report this")

    def _measured_and_sent(self, entry: Entry) -> Entry:
        results = self._results_of(entry)
        if not are_measured(results):
            study = self.archive.series(entry.study_uid)
            now = _looked_at(entry, study)
            if now.state is State.DONE or not now.is_complete:
                return now
            measure_study(self.archive, study, self.pipeline, results, self.directory, self.progress)
        self.progress(SENDING, 0.0)
        if holds_results(self.archive.series(entry.study_uid)):  # another watch was faster, or this one was killed
            return entry.done(KNOWN_BEFORE)
        send_results(self.archive, results)
        return entry.done()

    def _results_of(self, entry: Entry) -> Path:
        return self.directory / entry.study_uid


def _looked_at(entry: Entry, study: list[Series]) -> Entry:
    if holds_results(study):
        return entry.done(KNOWN_BEFORE)
    return entry.seen(ct_instances(study))


def _may_pass(error: BadInput) -> bool:
    """Whether another try may go well: the archive was asked in vain, or the disk was full."""
    return isinstance(error, ArchiveError) or isinstance(error.__cause__, OSError)
