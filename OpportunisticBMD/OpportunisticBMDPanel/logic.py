"""The panel's logic: one session per volume, one worker for all, and the way from a stroke to a new number.

Nothing here knows Qt. `tick` is called by a timer while `is_active` or `has_worker`; every change of a session is told
by `changed`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.packed import PackedLabels
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.edits import Edits
from OpportunisticBMDPanel.following.edit_watch import EditWatch
from OpportunisticBMDPanel.following.job_queue import JobQueue
from OpportunisticBMDPanel.following.sessions import Sessions
from OpportunisticBMDPanel.following.steps import Steps
from OpportunisticBMDPanel.following.worker_life import WorkerLife
from OpportunisticBMDPanel.following.worker_link import WorkerLink, start_worker
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.settings.settings import Settings
from OpportunisticBMDPanel.slicer.nodes import Nodes, SavedResult
from OpportunisticBMDPanel.slicer.protocols import ChainWorker, Headers


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
        worker: Callable[[Settings], ChainWorker] = start_worker,
        header: Headers = lambda volume_node: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nodes, self._settings = nodes, settings
        self._sessions = Sessions(nodes, header, clock, lambda ct: self._settings.with_voltage(ct))
        self._edits = EditWatch(self._sessions, nodes)
        self._worker = WorkerLink(lambda: worker(self._settings))
        self._life = WorkerLife(self._worker, clock)
        self._steps = Steps(self._sessions, nodes, self._edits.follow)
        self._jobs = JobQueue(self._sessions, nodes, self._worker, self._edits.follow, self._steps)
        self.changed = self._sessions.changed  # a session
        self.computed = self._jobs.computed  # a session with fresh masks
        self.declined = self._jobs.declined  # one sentence: why a run cannot be, which changed nothing
        self.cancelled = self._jobs.cancelled  # a session whose run was stopped
        self.noted = self._worker.noted  # one sentence about the worker
        self.awake = self._sessions.awake  # there is something to do: call `tick` until it says that there is not
        self._worker.awake.connect(self.awake.emit)

    # What the window asks

    @property
    def is_active(self) -> bool:
        """Whether something runs, waits, or was changed and not measured yet."""
        return self._jobs.is_active

    @property
    def is_running(self) -> bool:
        """Whether the reader waits for a run."""
        return bool(self._sessions.running())

    @property
    def has_worker(self) -> bool:
        """Whether a worker was started that `tick` has to end some day."""
        return self._worker.is_started

    @property
    def settings(self) -> Settings:
        return self._settings

    def session(self, volume_node: Any) -> Session | None:
        """What is known about a volume; None without one."""
        return self._sessions.of(volume_node)

    def measured(self) -> list[Session]:
        """The sessions whose result is that of what is on the screen."""
        return [session for session in self._sessions if session.state is State.RESULT]

    def ct(self, session: Session) -> CT:
        """The session's CT where it lies now.

        Raises:
            BadInput: the volume is no CT.
        """
        return self._sessions.ct(session)

    def has_edits(self, session: Session) -> bool:
        """Whether a new run would throw away what the reader did by hand."""
        if session.masks is None:
            return False
        return bool(session.edits(session.masks.labels).edited) or session.state is State.STALE

    # What the reader does

    def enter(self) -> None:
        """The reader is in the module."""
        self._life.enter()

    def leave(self) -> None:
        """The reader is elsewhere: what runs goes on, and soon the worker ends."""
        self._life.leave()

    def expect(self) -> None:
        """The reader is likely to compute soon: the worker starts in a few seconds, if it did not yet."""
        self._life.expect()

    def warm_up(self) -> None:
        """Starts the worker, so that its models are loaded when they are needed."""
        self._worker.warm_up()

    def compute(self, session: Session) -> None:
        """Localizes, segments and measures; replaces what the volume has."""
        self._jobs.add(session, "compute")

    def segment_again(self, session: Session) -> None:
        """Segments and measures within the box that is on the screen."""
        self._jobs.add(session, "segment")

    def move_levels(self, session: Session, by: int) -> None:
        """Moves all names by so many vertebrae towards the feet, and segments and measures those that then have them.

        Where the vertebrae in view do not reach so far, `declined` says so.
        """
        self._jobs.add(session, "move", by)

    def measure_again(self, session: Session) -> None:
        """Measures the masks that are on the screen."""
        self._sessions.touch(session, settled=True)

    def cancel(self) -> None:
        """Stops what runs and what waits; the scene stays as it was before."""
        self._jobs.cancel()

    def use(self, session: Session, vertebra: str, used: bool) -> None:
        """Takes a vertebra into the measurement, or leaves it out."""
        edits = session.other_edits.using(vertebra, used)
        if edits.excluded != session.excluded:
            session.other_edits = edits
            self._sessions.touch(session, settled=True)

    def relabel(self, session: Session, by: int) -> None:
        """Renames the masks alone, where the vertebrae in view are not known: +1 makes L1 of T12, -1 T12 of L1.

        Raises:
            BadInput: there is no further in this direction.
        """
        with session.quiet():
            self._nodes.relabel(session, by)
        self._sessions.touch(session, settled=True)

    def undo(self, session: Session) -> None:
        """Takes the last step back, with the number that was before it; nothing where there is none.

        Raises:
            BadInput: the volume lies under a transform that is not linear.
        """
        self._nodes.look()
        self._steps.undo(session)

    def redo(self, session: Session) -> None:
        """Takes the step again that was undone last; nothing where there is none.

        Raises:
            BadInput: the volume lies under a transform that is not linear.
        """
        self._nodes.look()
        self._steps.redo(session)

    def apply(self, settings: Settings) -> None:
        """Takes new settings; what was measured is measured again with them.

        Raises:
            RuntimeError: something runs.
        """
        if self.is_running:
            raise RuntimeError("settings cannot be changed in the middle of a run")
        is_in_words_only = settings.measures_as(self._settings)
        self._settings = settings
        if is_in_words_only:
            return
        was_started = self._worker.is_started
        self.close()
        if was_started:
            self.warm_up()
        self.measure_all_again()

    def measure_all_again(self) -> None:
        """What was measured is measured anew: by other settings, or by the line of a scanner that was not known."""
        for session in self._sessions:
            session.known.forget()
            session.history.outdate()
            self._sessions.touch(session, settled=True)

    def close(self) -> None:
        """Ends the worker; it is started again when it is needed."""
        self._worker.close()

    def tick(self) -> bool:
        """Takes the worker's answers and gives it the next job. True while there is something to wait for."""
        self._worker.hear()
        self._nodes.look()
        self._steps.note_boxes()
        self._jobs.next()
        self._life.tick(self.is_active)
        return self.is_active

    # What happens in the scene

    def node_removed(self, node: Any) -> None:
        """Forgets a volume, or the masks, that left the scene, and stops what runs on it."""
        removed = self._sessions.drop(node)
        if removed is not None:
            self._jobs.drop(removed)
            self._nodes.unwatch(removed)
        for session in self._sessions:
            if session.segmentation_node is node and not session.is_quiet:
                self._masks_removed(session)

    def scene_closing(self) -> None:
        """Forgets everything, and stops what runs: nothing of it may enter the next scene."""
        self._jobs.clear()
        for session in self._sessions:
            self._nodes.unwatch(session)
        self._sessions.clear()

    def scene_loaded(self) -> None:
        """Takes up the results that came with a scene."""
        for saved in self._nodes.saved():
            session = self._sessions.of(saved.nodes.volume_node)
            if session is not None and session.result is None and session.state is not State.RUNNING:
                self._take_up(session, saved)

    def _masks_removed(self, session: Session) -> None:
        """There is no number any more; a run that is to make new masks goes on."""
        self._nodes.unwatch(session)
        session.run = session.automatic = session.segmentation_node = session.changed_at = None
        if session.state is not State.RUNNING:
            self._jobs.stop(session)
            session.state = State.READY
        self._steps.note(session)
        self.changed.emit(session)

    def _saved_masks(self, session: Session) -> Segmentation | None:
        """None where there are none, or where they cannot be read: measuring them says why."""
        try:
            return self._nodes.segmentation(session) if session.segmentation_node is not None else None
        except BadInput:
            return None

    def _take_up(self, session: Session, saved: SavedResult) -> None:
        session.segmentation_node, session.box_node = saved.nodes.segmentation_node, saved.nodes.box_node
        session.table_node, session.regions_node = saved.nodes.table_node, saved.nodes.regions_node
        masks = self._saved_masks(session)
        session.run = Run(saved.result, masks)
        session.automatic = PackedLabels.of(masks.labels.array) if masks is not None else None
        session.other_edits = Edits.of_result(saved.result)
        session.box_moved = self._nodes.is_box_moved(session)
        session.state = session.settled
        self._edits.follow(session)
        if saved.is_outdated or masks is None:
            self._sessions.touch(session, settled=True)
        self._steps.begin(session)
        self.changed.emit(session)
