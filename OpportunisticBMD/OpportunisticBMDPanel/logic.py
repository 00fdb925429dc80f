"""The panel's logic: one session per volume, one worker for all, and the way from a stroke to a new number.

Nothing here knows Qt. `tick` is called by a timer while `is_active`; every change of a session is told by `changed`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.edits import Edits
from OpportunisticBMDPanel.following.edit_watch import EditWatch
from OpportunisticBMDPanel.following.job_queue import JobQueue
from OpportunisticBMDPanel.following.sessions import Sessions
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
        self._sessions = Sessions(nodes, header, clock)
        self._edits = EditWatch(self._sessions, nodes)
        self._worker = WorkerLink(lambda: worker(self._settings))
        self._jobs = JobQueue(self._sessions, nodes, self._worker, self._edits.follow)
        self.changed = self._sessions.changed  # a session
        self.computed = self._jobs.computed  # a session with fresh masks
        self.declined = self._jobs.declined  # one sentence: why a run cannot be, which changed nothing
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
    def settings(self) -> Settings:
        return self._settings

    def session(self, volume_node: Any) -> Session | None:
        """What is known about a volume; None without one."""
        return self._sessions.of(volume_node)

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
        was_started = self._worker.is_started
        self.close()
        if was_started:
            self.warm_up()
        for session in self._sessions:
            session.known.forget()
            self._sessions.touch(session, settled=True)

    def close(self) -> None:
        """Ends the worker; it is started again when it is needed."""
        self._worker.close()

    def tick(self) -> bool:
        """Takes the worker's answers and gives it the next job. True while there is something to wait for."""
        self._worker.hear()
        self._nodes.look()
        self._jobs.next()
        return self.is_active

    # What happens in the scene

    def node_removed(self, node: Any) -> None:
        """Forgets a volume, or the masks, that left the scene, and stops what runs on it."""
        removed = self._sessions.drop(node)
        if removed is not None:
            self._jobs.drop(removed)
            self._nodes.unwatch(removed)
        for session in self._sessions:
            if session.segmentation_node is node and not session.is_quiet and session.state is not State.RUNNING:
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
        self._nodes.unwatch(session)
        self._jobs.stop(session)
        session.run = session.automatic = session.segmentation_node = session.changed_at = None
        session.state = State.READY
        self.changed.emit(session)

    def _take_up(self, session: Session, saved: SavedResult) -> None:
        session.segmentation_node, session.box_node = saved.nodes.segmentation_node, saved.nodes.box_node
        session.table_node, session.regions_node = saved.nodes.table_node, saved.nodes.regions_node
        masks = self._nodes.segmentation(session) if session.segmentation_node is not None else None
        session.run = Run(saved.result, masks)
        session.automatic = masks.labels if masks is not None else None
        session.other_edits = Edits.of_result(saved.result)
        session.box_moved = self._nodes.is_box_moved(session)
        session.state = session.settled
        self._edits.follow(session)
        if saved.is_outdated:
            self._sessions.touch(session, settled=True)
        self.changed.emit(session)
