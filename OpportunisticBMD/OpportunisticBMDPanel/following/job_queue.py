"""What the worker does next, and where its answers go."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.edits import Edits
from OpportunisticBMDPanel.following.sessions import Sessions
from OpportunisticBMDPanel.following.worker_link import Job, Kind, WorkerLink
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.signals import Signal
from OpportunisticBMDPanel.slicer.nodes import Nodes


class JobQueue:
    """First the runs that the reader waits for, then the masks that were edited.

    Args:
        nodes: the scene, as the panel sees it.
        follow: begins to hear of edits of a session's nodes.
    """

    def __init__(self, sessions: Sessions, nodes: Nodes, worker: WorkerLink, follow: Callable[[Session], None]) -> None:
        self.computed = Signal()  # a session with fresh masks
        self.declined = Signal()  # one sentence: why a run cannot be, which changed nothing
        self._sessions, self._nodes, self._worker, self._follow = sessions, nodes, worker, follow
        self._waiting: deque[tuple[Session, Kind, int]] = deque()
        worker.progressed.connect(self._on_progressed)
        worker.finished.connect(self._on_finished)
        worker.failed.connect(self._on_failed)

    @property
    def is_active(self) -> bool:
        """Whether something runs, waits, or was changed and not measured yet."""
        return bool(self._waiting) or self._worker.is_active or self._sessions.is_any_outdated

    def add(self, session: Session, kind: Kind, by: int = 0) -> None:
        """Takes a run that the reader asked for; nothing where the session runs already.

        Args:
            by: of "move": so many vertebrae towards the feet.
        """
        if session.state is State.RUNNING:
            return
        job = self._worker.job
        if job is not None and job.kind == "measure" and job.session is session:
            self._worker.stop()  # its answer would be about masks that are about to go
        if session.state in (State.STALE, State.FAILED):
            self._sessions.touch(session)  # should the run come to nothing, they are measured
        session.state, session.message, session.failure = State.RUNNING, "", ""
        session.progress = ("", 0.0)
        self._waiting.append((session, kind, by))
        self._sessions.changed.emit(session)
        self.next()
        self._sessions.awake.emit()

    def next(self) -> None:
        """Gives the worker its next job, if it has none."""
        if self._worker.job is not None:
            return
        if self._waiting:
            self._begin(*self._waiting.popleft())
            return
        session = self._sessions.due()
        if session is not None:
            self._measure(session)

    def cancel(self) -> None:
        """Stops what runs and what waits; the scene stays as it was before."""
        running = self._sessions.running()
        self._waiting.clear()
        self._worker.stop()
        for session in running:
            self._restore(session)
        self._sessions.awake.emit()

    def drop(self, session: Session) -> None:
        """Stops what runs for a session, and takes it out of the queue."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] is not session)
        self.stop(session)

    def stop(self, session: Session) -> None:
        """Stops what runs for a session."""
        if self._worker.works_on(session):
            self._worker.stop()

    def clear(self) -> None:
        """Stops what runs, and forgets what waits."""
        self._waiting.clear()
        if self._worker.job is not None:
            self._worker.stop()

    def _restore(self, session: Session) -> None:
        """As it was before the run."""
        session.state = State.STALE if session.changed_at is not None else session.settled
        self._sessions.changed.emit(session)

    def _begin(self, session: Session, kind: Kind, by: int) -> None:
        self._worker.warm_up()
        try:
            ct = self._sessions.ct(session)
            box = self._nodes.box(session) if kind == "segment" else None
        except BadInput as error:
            self._sessions.fail(session, str(error), "bad_input")
            return
        moved = session.result if kind == "move" else None
        self._worker.begin(Job(session, kind, session.version, ct, box=box, moved=moved, by=by))

    def _measure(self, session: Session) -> None:
        """Measures what is on the screen, unless it was measured before."""
        session.changed_at = None
        try:
            labels, ct = self._nodes.labels(session), self._sessions.ct(session)
        except BadInput as error:
            self._sessions.fail(session, str(error), "bad_input")
            return
        edits = session.edits(labels)
        masks = Segmentation(labels, session.masks.confidence if session.masks is not None else {})
        known = session.known.find(labels, edits)
        if known is not None:
            self._sessions.show(session, Run(known, masks))
            return
        self._worker.begin(Job(session, "measure", session.version, ct, masks=masks, edits=edits))

    def _on_progressed(self, job: Job, stage: str, fraction: float) -> None:
        job.session.progress = (stage, fraction)
        self._sessions.changed.emit(job.session)

    def _on_failed(self, job: Job, message: str, kind: str) -> None:
        """Names that cannot be moved leave the number as it is: the reader is told why."""
        if job.kind == "move" and kind == "bad_input":
            self._restore(job.session)
            self.declined.emit(message)
        else:
            self._sessions.fail(job.session, message, kind)

    def _on_finished(self, job: Job, run: Run) -> None:
        session = job.session
        if job.masks is None:
            self._show_fresh(session, run)
            return
        if session.ct is job.ct:  # else the voxels were changed meanwhile: nothing of the former ones is known
            session.known.remember(job.masks.labels, job.edits, run.result)
        if session.version == job.version and session.state is State.STALE:
            self._sessions.show(session, Run(run.result, job.masks))

    def _show_fresh(self, session: Session, run: Run) -> None:
        """New masks: what was edited and left out before belongs to the old ones."""
        session.run, session.changed_at = run, None
        session.other_edits, session.box_moved = Edits.of_result(run.result), False
        session.known.forget()
        self._nodes.unwatch(session)
        with session.quiet():
            self._nodes.show(session, run)
        session.automatic = run.segmentation.labels if run.segmentation is not None else None
        if session.automatic is not None:
            session.known.remember(session.automatic, session.edits(session.automatic), run.result)
        self._follow(session)
        session.state = session.settled
        self._sessions.changed.emit(session)
        self.computed.emit(session)
