"""The panel's logic: one session per volume, one worker for all, and the way from a stroke to a new number.

Nothing here knows Qt. `tick` is called by a timer while `is_active`; every change of a session is told by `changed`.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from OpportunisticBMDLib.ct import CT
from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.result import Result, Segmentation
from OpportunisticBMDLib.run import Run
from OpportunisticBMDLib.vertebrae import VERTEBRAE
from OpportunisticBMDLib.volume import Volume
from OpportunisticBMDLib.worker.messages import Failed, Finished, Progressed, Ready
from OpportunisticBMDPanel.nodes import Nodes
from OpportunisticBMDPanel.protocols import Headers, Worker
from OpportunisticBMDPanel.session import Session, key_of
from OpportunisticBMDPanel.settings import Settings
from OpportunisticBMDPanel.signals import Signal
from OpportunisticBMDPanel.states import State

SETTLING_S = 0.15  # without another edit, before the masks are measured again


def start_worker(settings: Settings) -> Worker:
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


def python_executable() -> str:
    """The interpreter for child processes: Slicer's own console Python, else the one that runs this."""
    return shutil.which("PythonSlicer") or sys.executable


@dataclass(eq=False)
class _Job:
    """What the worker is doing, for whom, and what was on the screen when it began."""

    session: Session
    kind: str  # "compute", "segment" or "measure"
    version: int
    key: str | None = None
    labels: Volume | None = None


class PanelLogic:
    """Measures volumes, and keeps their numbers true to what is on the screen.

    Args:
        nodes: the scene, as the panel sees it.
        settings: how to measure.
        worker: makes the worker for some settings.
        header: what the application knows about a volume's acquisition.
        clock: seconds, ever growing.
    """

    def __init__(
        self,
        nodes: Nodes,
        settings: Settings,
        *,
        worker: Callable[[Settings], Worker] = start_worker,
        header: Headers = lambda volume_node: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.changed = Signal()  # a session
        self.computed = Signal()  # a session with fresh masks
        self.noted = Signal()  # one sentence about the worker
        self.awake = Signal()  # there is something to do: call `tick` until it says that there is not
        self._nodes, self._settings = nodes, settings
        self._make_worker, self._header, self._clock = worker, header, clock
        self._worker: Worker | None = None
        self._sessions: dict[str, Session] = {}
        self._waiting: deque[tuple[Session, str]] = deque()
        self._job: _Job | None = None
        self._is_loading = False

    # What the window asks

    @property
    def is_active(self) -> bool:
        """Something runs, waits, or was changed and not measured yet."""
        return bool(self._job or self._waiting or self._is_loading or self._stale())

    @property
    def is_running(self) -> bool:
        """A run that the reader waits for."""
        return any(session.state is State.RUNNING for session in self._sessions.values())

    @property
    def settings(self) -> Settings:
        return self._settings

    def session(self, volume_node: Any) -> Session | None:
        """What is known about a volume; None without one."""
        if volume_node is None or not volume_node.GetID():
            return None
        if volume_node.GetID() not in self._sessions:
            self._sessions[volume_node.GetID()] = Session(volume_node)
        return self._sessions[volume_node.GetID()]

    def ct(self, session: Session) -> CT:
        """The session's CT where it lies now; BadInput where the volume is none."""
        if session.ct is None:
            session.ct = self._nodes.ct(session, self._header(session.volume_node))
        grid = self._nodes.grid(session)
        if not grid.is_close(session.ct.volume.grid):
            session.ct = CT(Volume(session.ct.volume.array, grid), session.ct.acquisition)
        return session.ct

    def has_edits(self, session: Session) -> bool:
        """A new run would throw away what the reader did by hand."""
        if session.run is None or session.run.segmentation is None:
            return False
        return bool(session.edits(session.run.segmentation.labels).edited) or session.state is State.STALE

    # What the reader does

    def warm_up(self) -> None:
        """Starts the worker, so that its models are loaded when they are needed."""
        if self._worker is None:
            self._worker = self._make_worker(self._settings)
            self._worker.start()
            self._is_loading = True
            self.awake.emit()

    def compute(self, session: Session) -> None:
        """Localizes, segments and measures; replaces what the volume has."""
        self._run(session, "compute")

    def segment_again(self, session: Session) -> None:
        """Segments and measures within the box that is on the screen."""
        self._run(session, "segment")

    def measure_again(self, session: Session) -> None:
        """Measures the masks that are on the screen."""
        self._touch(session, settled=True)

    def cancel(self) -> None:
        """Stops what runs and what waits; the scene stays as it was before."""
        running = [session for session in self._sessions.values() if session.state is State.RUNNING]
        self._waiting.clear()
        self._stop_job()
        for session in running:
            session.state = State.STALE if session.changed_at is not None else session.settled
            self.changed.emit(session)
        self.awake.emit()

    def use(self, session: Session, vertebra: str, used: bool) -> None:
        """Takes a vertebra into the measurement, or leaves it out."""
        excluded = session.excluded - {vertebra} if used else session.excluded | {vertebra}
        if excluded != session.excluded:
            session.excluded = excluded
            self._touch(session, settled=True)

    def relabel(self, session: Session, by: int) -> None:
        """Moves every mask's name by one vertebra: +1 towards the feet, -1 towards the head.

        Raises:
            BadInput: there is no further in this direction.
        """
        with session.quiet():
            self._nodes.relabel(session, by)
        self._touch(session, settled=True)

    def apply(self, settings: Settings) -> None:
        """Takes new settings; what was measured is measured again with them.

        Raises:
            RuntimeError: something runs.
        """
        if self.is_running:
            raise RuntimeError("settings cannot be changed in the middle of a run")
        if settings == self._settings:
            return
        self._settings = settings
        was_started = self._worker is not None
        self.close()
        if was_started:
            self.warm_up()
        for session in self._sessions.values():
            session.forget()
            if session.run is not None and session.run.segmentation is not None:
                self._touch(session, settled=True)

    def close(self) -> None:
        """Ends the worker; it is started again when it is needed."""
        self._job = None
        self._is_loading = False
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    # What happens in the scene

    def mask_edited(self, session: Session) -> None:
        """A segment of this session was changed."""
        if not session.is_quiet and session.run is not None and session.state is not State.RUNNING:
            self._touch(session)

    def box_edited(self, session: Session) -> None:
        """The box on the screen was changed."""
        if session.is_quiet or session.result is None:
            return
        is_moved = self._nodes.is_box_moved(session)
        if is_moved != session.box_moved:
            session.box_moved = is_moved
            self.changed.emit(session)

    def voxels_edited(self, session: Session) -> None:
        """The volume itself was changed: nothing that was measured on it holds."""
        session.ct = None
        session.forget()
        if session.state is not State.RUNNING:
            self._touch(session)

    def node_removed(self, node: Any) -> None:
        """Forgets a volume, or the masks, that left the scene."""
        self.volume_removed(node)
        for session in list(self._sessions.values()):
            if session.segmentation_node is node and not session.is_quiet and session.state is not State.RUNNING:
                self._nodes.unwatch(session)
                if self._job is not None and self._job.session is session:
                    self._stop_job()
                session.run = session.automatic = session.segmentation_node = session.changed_at = None
                session.state = State.READY
                self.changed.emit(session)

    def volume_removed(self, volume_node: Any) -> None:
        """Forgets a volume that left the scene, and stops what runs on it."""
        session = self._sessions.pop(volume_node.GetID(), None)
        if session is None:
            return
        self._waiting = deque(entry for entry in self._waiting if entry[0] is not session)
        if self._job is not None and self._job.session is session:
            self._stop_job()
        self._nodes.unwatch(session)

    def scene_closing(self) -> None:
        """Forgets everything, and stops what runs: nothing of it may enter the next scene."""
        self._waiting.clear()
        if self._job is not None:
            self._stop_job()
        for session in self._sessions.values():
            self._nodes.unwatch(session)
        self._sessions.clear()

    def scene_loaded(self) -> None:
        """Takes up the results that came with a scene."""
        for volume_node, saved in self._nodes.saved():
            session = self.session(volume_node)
            if session.result is not None or session.state is State.RUNNING:
                continue
            session.segmentation_node, session.box_node = saved.segmentation_node, saved.box_node
            session.table_node, session.regions_node = saved.table_node, saved.regions_node
            masks = self._nodes.segmentation(session) if saved.segmentation_node is not None else None
            session.run = Run(saved.result, masks)
            session.automatic = masks.labels if masks is not None else None
            session.edited_before = _named(saved.result, "edited_by_hand")
            session.excluded = _named(saved.result, "excluded_by_reader")
            session.box_by_hand = _box_by_hand(saved.result)
            session.box_moved = self._nodes.is_box_moved(session)
            session.state = session.settled
            self._watch(session)
            if saved.is_outdated:
                self._touch(session, settled=True)
            self.changed.emit(session)

    # The worker

    def tick(self) -> bool:
        """Hears the worker and gives it what is due. True while there is something to wait for."""
        if self._worker is not None:
            for event in self._worker.poll():
                self._hear(event)
        self._nodes.look()
        self._next()
        return self.is_active

    def _hear(self, event: object) -> None:
        if isinstance(event, Ready):
            self._is_loading = False
            self.noted.emit(event.note)
        elif isinstance(event, Progressed) and self._job is not None:
            self._job.session.progress = (event.stage, event.fraction)
            self.changed.emit(self._job.session)
        elif isinstance(event, Finished) and self._job is not None:
            job, self._job = self._job, None
            self._finish(job, event.run)
        elif isinstance(event, Failed):
            self._is_loading = False
            job, self._job = self._job, None
            if job is not None:
                self._fail(job.session, event.message, event.kind)
            else:
                self.noted.emit(event.message)

    def _run(self, session: Session, kind: str) -> None:
        if session.state is State.RUNNING:
            return
        session.state, session.message, session.failure = State.RUNNING, "", ""
        session.progress = ("", 0.0)
        if self._job is not None and self._job.kind == "measure" and self._job.session is session:
            self._stop_job()  # its answer would be about masks that are about to go
        self._waiting.append((session, kind))
        self.changed.emit(session)
        self._next()
        self.awake.emit()

    def _next(self) -> None:
        """Gives the worker the next job: first what the reader waits for, then what was edited."""
        if self._job is not None:
            return
        if self._waiting:
            session, kind = self._waiting.popleft()
            self._begin(session, kind)
            return
        for session in self._stale():
            if self._clock() - session.changed_at >= SETTLING_S:
                self._measure(session)
                return

    def _begin(self, session: Session, kind: str) -> None:
        self.warm_up()
        try:
            ct = self.ct(session)
            box = self._nodes.box(session) if kind == "segment" else None
        except BadInput as error:
            self._fail(session, str(error), "bad_input")
            return
        self._job = _Job(session, kind, session.version)
        if box is None:
            self._worker.compute(ct)
        else:
            self._worker.segment_within(ct, box)

    def _measure(self, session: Session) -> None:
        """Measures what is on the screen, unless it was measured before."""
        session.changed_at = None
        try:
            labels, ct = self._nodes.labels(session), self.ct(session)
        except BadInput as error:
            self._fail(session, str(error), "bad_input")
            return
        edits = session.edits(labels)
        key = key_of(labels, edits)
        shown = session.run.segmentation
        segmentation = Segmentation(labels, shown.confidence)
        known = session.remembered(key)
        if known is not None:
            self._show(session, Run(known, segmentation))
            return
        self.warm_up()
        self._job = _Job(session, "measure", session.version, key, labels)
        self._worker.measure(ct, segmentation, edits, session.result)

    def _finish(self, job: _Job, run: Run) -> None:
        session = job.session
        if job.kind != "measure":
            self._show_fresh(session, run)
            return
        session.remember(job.key, run.result)
        if session.version == job.version and session.state is State.STALE:
            confidence = session.run.segmentation.confidence
            self._show(session, Run(run.result, Segmentation(job.labels, confidence)))

    def _show_fresh(self, session: Session, run: Run) -> None:
        """New masks: what was edited and left out before belongs to the old ones."""
        session.run, session.changed_at = run, None
        session.edited_before, session.excluded = frozenset(), frozenset()
        session.box_by_hand, session.box_moved = _box_by_hand(run.result), False
        session.forget()
        self._nodes.unwatch(session)
        with session.quiet():
            self._nodes.show(session)
        session.automatic = run.segmentation.labels if run.segmentation is not None else None
        if session.automatic is not None:
            session.remember(key_of(session.automatic, session.edits(session.automatic)), run.result)
        self._watch(session)
        session.state = session.settled
        self.changed.emit(session)
        self.computed.emit(session)

    def _show(self, session: Session, run: Run) -> None:
        session.run = run
        session.state, session.message, session.failure = session.settled, "", ""
        with session.quiet():
            self._nodes.update_table(session)
        self.changed.emit(session)

    def _fail(self, session: Session, message: str, kind: str) -> None:
        session.state, session.message, session.failure = State.FAILED, message, kind
        self.changed.emit(session)

    def _stop_job(self) -> None:
        self._job = None
        if self._worker is not None and self._worker.busy:
            self._worker.cancel()
            self._worker.start()  # its models are there again when they are needed
            self._is_loading = True
            self.awake.emit()

    def _touch(self, session: Session, *, settled: bool = False) -> None:
        """What is shown is out of date from now on; `settled`: no other change is to be waited for."""
        if session.run is None or session.run.segmentation is None:
            return
        session.version += 1
        session.changed_at = self._clock() - (SETTLING_S if settled else 0.0)
        session.state, session.message, session.failure = State.STALE, "", ""
        with session.quiet():
            self._nodes.mark_outdated(session)
        self.changed.emit(session)
        self.awake.emit()

    def _stale(self) -> list[Session]:
        return [session for session in self._sessions.values() if session.changed_at is not None]

    def _watch(self, session: Session) -> None:
        self._nodes.watch(
            session,
            lambda: self.mask_edited(session),
            lambda: self.box_edited(session),
            lambda: self.voxels_edited(session),
        )


def _named(result: Result, code: str) -> frozenset[str]:
    """The vertebrae that the reasons of this code name."""
    return frozenset(reason.vertebra for reason in result.reasons if reason.code == code) & frozenset(VERTEBRAE)


def _box_by_hand(result: Result) -> Any:
    """The box that a result was measured in, if the reader placed it."""
    return result.box if any(reason.code == "box_moved_by_hand" for reason in result.reasons) else None
