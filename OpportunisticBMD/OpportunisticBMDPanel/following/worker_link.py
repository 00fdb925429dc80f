"""The one worker of the panel, and the job that it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.edits import NO_EDITS, Edits
from OpportunisticBMDLib.worker.messages import Failed, Finished, Progressed, Ready
from OpportunisticBMDPanel.session import Session
from OpportunisticBMDPanel.settings.settings import Settings
from OpportunisticBMDPanel.signals import Signal
from OpportunisticBMDPanel.slicer.protocols import ChainWorker
from OpportunisticBMDPanel.slicer.python import python_executable

Kind = Literal["compute", "segment", "move", "measure"]


def start_worker(settings: Settings) -> ChainWorker:
    """The real worker, as these settings want it."""
    from OpportunisticBMDLib.worker.client import Worker as ChildProcess

    return ChildProcess(
        python=python_executable(),
        models=settings.models,
        device=settings.device,
        engine=settings.engine,
        thresholds=settings.thresholds,
        calibration=settings.calibration,
    )


@dataclass(frozen=True, eq=False)
class Job:
    """What the worker is to do, for whom, and what was on the screen when it began.

    Args:
        version: of the session.
        box: to segment in.
        moved, by: whose names are to be moved, by so many vertebrae towards the feet.
        masks: to measure; their confidence is the network's.
        edits: that the masks are measured with.
    """

    session: Session
    kind: Kind
    version: int
    ct: CT
    box: Box | None = None
    moved: Result | None = None
    by: int = 0
    masks: Segmentation | None = None
    edits: Edits = NO_EDITS


class WorkerLink:
    """Starts the worker when it is needed, gives it a job, passes its answers on, and stops it.

    Args:
        make: a new worker, as the settings want it now.
    """

    def __init__(self, make: Callable[[], ChainWorker]) -> None:
        self.finished = Signal()  # a job and its run
        self.failed = Signal()  # a job, a sentence and the kind of failure
        self.progressed = Signal()  # a job, a stage and the done share 0..1
        self.noted = Signal()  # one sentence about the worker
        self.awake = Signal()  # there is something to hear
        self.job: Job | None = None
        self._make = make
        self._worker: ChainWorker | None = None
        self._is_loading = False

    @property
    def is_active(self) -> bool:
        """Whether the worker has a job, or loads its models."""
        return self.job is not None or self._is_loading

    @property
    def is_started(self) -> bool:
        return self._worker is not None

    def works_on(self, session: Session) -> bool:
        return self.job is not None and self.job.session is session

    def warm_up(self) -> None:
        """Starts the worker, so that its models are loaded when they are needed."""
        self._started()

    def begin(self, job: Job) -> None:
        """Gives the worker a job."""
        worker = self._started()
        self.job = job
        if job.masks is not None:
            previous = None if job.session.has_new_voxels else job.session.result
            worker.measure(job.ct, job.masks, job.edits, previous)
        elif job.box is not None:
            worker.segment_within(job.ct, job.box)
        elif job.moved is not None:
            worker.move_levels(job.ct, job.moved, job.by)
        else:
            worker.compute(job.ct)

    def hear(self) -> None:
        """Emits what the worker said since the last call."""
        if self._worker is not None:
            for event in self._worker.poll():
                self._tell(event)

    def stop(self) -> None:
        """Ends the job; the worker starts anew, so that its models are loaded when they are needed."""
        self.job = None
        if self._worker is not None and self._worker.busy:
            self._worker.cancel()
            self._worker.start()
            self._is_loading = True
            self.awake.emit()

    def close(self) -> None:
        """Ends the worker; it is started again when it is needed."""
        self.job = None
        self._is_loading = False
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _started(self) -> ChainWorker:
        if self._worker is None:
            self._worker = self._make()
            self._worker.start()
            self._is_loading = True
            self.awake.emit()
        return self._worker

    def _tell(self, event: object) -> None:
        if isinstance(event, Ready):
            self._is_loading = False
            self.noted.emit(event.note)
        elif isinstance(event, Progressed) and self.job is not None:
            self.progressed.emit(self.job, event.stage, event.fraction)
        elif isinstance(event, Finished) and self.job is not None:
            job, self.job = self.job, None
            self.finished.emit(job, event.run)
        elif isinstance(event, Failed):
            self._is_loading = False
            if self.job is None:
                self.noted.emit(event.message)
                return
            job, self.job = self.job, None
            self.failed.emit(job, event.message, event.kind)
