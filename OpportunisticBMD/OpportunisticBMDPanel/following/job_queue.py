"""What the worker does next, and where its answers go."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.packed import PackedLabels
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.edits import Edits
from OpportunisticBMDPanel.following.sessions import Sessions
from OpportunisticBMDPanel.following.steps import Steps
from OpportunisticBMDPanel.following.worker_link import Job, Kind, WorkerLink
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.signals import Signal
from OpportunisticBMDPanel.slicer.nodes import Nodes


class JobQueue:
    """First the runs that the reader waits for, then the masks that were edited.

    Args:
        nodes: the scene, as the panel sees it.
        follow: begins to hear of edits of a session's nodes.
        steps: hears of every step that can be undone.
    """

    def __init__(
        self,
        sessions: Sessions,
        nodes: Nodes,
        worker: WorkerLink,
        follow: Callable[[Session], None],
        steps: Steps,
    ) -> None:
        self.computed = Signal()  # a session with fresh masks
        self.declined = Signal()  # one sentence: why a run cannot be, which changed nothing
        self.cancelled = Signal()  # a session whose run was stopped, which changed nothing
        self._sessions, self._nodes, self._worker = sessions, nodes, worker
        self._follow, self._steps = follow, steps
        self._waiting: deque[tuple[Session, Kind, int]] = deque()
        worker.progressed.connect(self._on_progressed)
        worker.finished.connect(self._on_finished)
        worker.failed.connect(self._on_failed)

    @property
    def is_active(self) -> bool:
        """Whether something runs, waits, or was changed and not measured yet."""
        return bool(self._waiting) or self._worker.is_active or self._sessions.is_any_unsettled

    def add(self, session: Session, kind: Kind, by: int = 0) -> None:
        """Takes a run that the reader asked for; nothing where the session runs already, or its volume left the scene.

        Args:
            by: of "move": so many vertebrae towards the feet.
        """
        if session.state is State.RUNNING or session not in self._sessions:
            return
        self._steps.note(session)
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
        self._waiting.clear()
        for session in self._sessions.running():
            self.stop(session)
            self._restore(session)
            self.cancelled.emit(session)
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
        if kind == "move" and session.result is None:
            self._restore(session)  # the masks were removed while this waited: there are no names to move
            return
        self._worker.warm_up()
        try:
            ct = self._sessions.ct(session)
            box = self._nodes.box(session) if kind == "segment" else None
        except BadInput as error:
            self._sessions.fail(session, str(error), "bad_input")
            return
        if session.run is None:
            self._follow(session)  # nothing was heard of the volume yet
        moved = session.result if kind == "move" else None
        self._worker.begin(Job(session, kind, session.version, ct, box=box, moved=moved, by=by))

    def _measure(self, session: Session) -> None:
        """Measures what is on the screen, unless it was measured before."""
        session.changed_at = None
        self._steps.note(session)
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
        elif job.kind != "measure" or job.version == job.session.version:
            self._sessions.fail(job.session, message, kind)

    def _on_finished(self, job: Job, run: Run) -> None:
        session = job.session
        if job.masks is None:
            self._show_fresh(job, run)
            return
        is_same = session.ct is not None and session.ct.volume is job.ct.volume
        if is_same:  # else the voxels were changed meanwhile: nothing of the former ones is known
            session.known.remember(job.masks.labels, job.edits, run.result)
        if session.version == job.version and session.state is State.STALE:
            self._sessions.show(session, Run(run.result, job.masks))

    def _show_fresh(self, job: Job, run: Run) -> None:
        """New masks: what was edited and left out before belongs to the old ones."""
        session = job.session
        try:
            ct = self._sessions.ct(session)
        except BadInput as error:  # it was bent, or given other voxels, while it ran
            self._sessions.fail(session, str(error), "bad_input")
            return
        session.run, session.changed_at, session.has_new_voxels = run, None, False
        session.other_edits, session.box_moved = Edits.of_result(run.result), False
        session.known.forget()
        self._nodes.unwatch(session)
        with session.quiet():
            self._nodes.show(session, run)
        labels = run.segmentation.labels if run.segmentation is not None else None
        session.automatic = PackedLabels.of(labels.array) if labels is not None else None
        if labels is not None:
            session.known.remember(labels, session.edits(labels), run.result)
        self._steps.note_run(session, job.kind)
        self._follow(session)
        session.state = session.settled
        is_other = ct.volume is not job.ct.volume
        if is_other:  # it was moved, or its voxels were changed meanwhile: the number is not theirs
            session.known.forget()
            session.history.outdate()
            self._sessions.touch(session, settled=True)
        self._sessions.changed.emit(session)
        self.computed.emit(session)
