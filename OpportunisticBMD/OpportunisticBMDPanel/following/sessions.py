"""All volumes that the panel knows: what each shows, and which of them is out of date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.packed import PackedLabels
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.signals import Signal
from OpportunisticBMDPanel.slicer.nodes import Nodes
from OpportunisticBMDPanel.slicer.protocols import Headers

SETTLING_S = 0.15  # without another edit, before the masks are measured again


class Sessions:
    """One session for each volume.

    Args:
        nodes: the scene, as the panel sees it.
        header: what the application knows about a volume's acquisition.
        clock: seconds, ever growing.
        complete: adds to a CT what the settings say of those like it.
    """

    def __init__(self, nodes: Nodes, header: Headers, clock: Callable[[], float], complete: Callable[[CT], CT]) -> None:
        self.changed = Signal()  # a session
        self.awake = Signal()  # there is something to do
        self._nodes, self._header, self._clock, self._complete = nodes, header, clock, complete
        self._sessions: dict[str, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def of(self, volume_node: Any) -> Session | None:
        """What is known about a volume; None without one."""
        if volume_node is None or not volume_node.GetID():
            return None
        if volume_node.GetID() not in self._sessions:
            self._sessions[volume_node.GetID()] = Session(volume_node)
        return self._sessions[volume_node.GetID()]

    def drop(self, volume_node: Any) -> Session | None:
        """Forgets a volume; returns what was known about it."""
        return self._sessions.pop(volume_node.GetID(), None)

    def clear(self) -> None:
        """Forgets all volumes."""
        self._sessions.clear()

    def ct(self, session: Session) -> CT:
        """The session's CT where it lies now.

        Raises:
            BadInput: the volume is no CT.
        """
        if session.ct is None:
            session.ct = self._nodes.ct(session, self._header(session.volume_node))
        grid = self._nodes.grid(session)
        if not grid.is_close(session.ct.volume.grid):
            session.ct = CT(Volume(session.ct.volume.array, grid), session.ct.acquisition)
        return self._complete(session.ct)

    def running(self) -> list[Session]:
        """The sessions that run, or wait for their turn."""
        return [session for session in self if session.state is State.RUNNING]

    @property
    def is_any_unsettled(self) -> bool:
        """Whether a session was changed and not measured yet, or its box was moved a moment ago."""
        return any(session.changed_at is not None or session.box_changed_at is not None for session in self)

    def due(self) -> Session | None:
        """The first session that was changed, and not again for `SETTLING_S`; None where none was."""
        return next((session for session in self if self._has_settled(session.changed_at)), None)

    def with_box_let_go(self) -> list[Session]:
        """The sessions at rest whose box was moved, and not again for `SETTLING_S`."""
        return [s for s in self if self._has_settled(s.box_changed_at) and s.state is not State.RUNNING]

    def touch(self, session: Session, *, settled: bool = False) -> None:
        """Marks a result as out of date; nothing where there are no masks to measure again.

        A session that runs goes on: only if the run comes to nothing are the masks measured.

        Args:
            settled: the change is complete: it is measured at once, without waiting for another one.
        """
        if session.segmentation_node is None:
            return
        session.version += 1
        session.changed_at = self._clock() - (SETTLING_S if settled else 0.0)
        if session.state is not State.RUNNING:
            session.state, session.message, session.failure = State.STALE, "", ""
        with session.quiet():
            self._nodes.mark_outdated(session)
        self.changed.emit(session)
        self.awake.emit()

    def touch_box(self, session: Session) -> None:
        """Marks a box as moved; that changes no number."""
        session.box_changed_at = self._clock()
        self.awake.emit()

    def show(self, session: Session, run: Run) -> None:
        """Takes a result for the masks that are on the screen."""
        session.run, session.has_new_voxels = run, False
        if run.segmentation is not None:
            session.history.measured(run.result, PackedLabels.of(run.segmentation.labels.array))
        session.state, session.message, session.failure = session.settled, "", ""
        with session.quiet():
            self._nodes.update_table(session, run.result)
        self.changed.emit(session)

    def fail(self, session: Session, message: str, kind: str) -> None:
        """Shows why there is no number.

        Args:
            kind: of failure, as in `OpportunisticBMDLib.worker.messages.Failed`.
        """
        session.state, session.message, session.failure = State.FAILED, message, kind
        session.changed_at = None  # until the reader asks again: the message stays
        self.changed.emit(session)

    def _has_settled(self, changed_at: float | None) -> bool:
        return changed_at is not None and self._clock() - changed_at >= SETTLING_S
