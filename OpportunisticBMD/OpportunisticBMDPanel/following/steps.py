"""The steps of each volume: noted as they are taken, and the scene brought back to what it was before or after one."""

from __future__ import annotations

from collections.abc import Callable

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.packed import PackedLabels
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDPanel.following.sessions import Sessions
from OpportunisticBMDPanel.history import MadeBy, Snapshot
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.slicer.nodes import Nodes


class Steps:
    """Keeps the histories of sessions.

    Args:
        nodes: the scene, as the panel sees it.
        follow: begins to hear of edits of a session's nodes.
    """

    def __init__(self, sessions: Sessions, nodes: Nodes, follow: Callable[[Session], None]) -> None:
        self._sessions, self._nodes, self._follow = sessions, nodes, follow

    def begin(self, session: Session) -> None:
        """What came with a scene is where its session starts."""
        session.history.forget()
        self.note(session)

    def note_run(self, session: Session, made_by: MadeBy) -> None:
        """A run put fresh masks into the scene: a step, whatever it changed."""
        snapshot = self._now(session, made_by, is_measured=True)
        if snapshot is not None:
            session.history.add(snapshot)

    def note(self, session: Session) -> None:
        """Notes what the reader changed since the last step, if anything."""
        session.box_changed_at = None
        present = session.history.present
        snapshot = self._now(session, "measure", is_measured=session.state is session.settled)
        if snapshot is None or (present is not None and snapshot.shows_same(present)):
            return
        session.history.add(snapshot.following(present) if present is not None else snapshot)
        self._sessions.changed.emit(session)

    def note_boxes(self) -> None:
        """Notes the boxes that were moved and let go."""
        for session in self._sessions.with_box_let_go():
            self.note(session)

    def undo(self, session: Session) -> None:
        """Shows what was before the last step; nothing where there is none, or where the session runs.

        Raises:
            BadInput: the volume lies under a transform that is not linear.
        """
        grid = self._noted(session)
        if grid is not None and session.history.to_undo is not None:
            self._show(session, session.history.undo(), grid)

    def redo(self, session: Session) -> None:
        """Shows what was after the step that was undone last; nothing where there is none, or where the session runs.

        Raises:
            BadInput: the volume lies under a transform that is not linear.
        """
        grid = self._noted(session)
        if grid is not None and session.history.to_redo is not None:
            self._show(session, session.history.redo(), grid)

    def _noted(self, session: Session) -> Grid | None:
        """Where the volume lies, once all that was changed is noted; None while the session runs.

        Raises:
            BadInput: it lies under a transform that is not linear.
        """
        if session.state is State.RUNNING:
            return None
        grid = self._nodes.grid(session)
        self.note(session)
        return grid

    def _now(self, session: Session, made_by: MadeBy, *, is_measured: bool) -> Snapshot | None:
        """What is on the screen; None where it cannot be kept, and nothing before it can be brought back either."""
        run, masks = session.run, session.masks
        try:
            grid = self._nodes.grid(session)
            return Snapshot(
                made_by=made_by,
                result=run.result if run is not None else None,
                is_measured=is_measured,
                labels=PackedLabels.of(masks.labels.array) if masks is not None else None,
                confidence=masks.confidence if masks is not None else {},
                automatic=session.automatic,
                edits=session.other_edits,
                masks=self._nodes.kept_masks(session, grid),
                box=self._nodes.kept_box(session),
                grid=grid,
            )
        except BadInput:
            session.history.forget()
            return None

    def _show(self, session: Session, snapshot: Snapshot, grid: Grid) -> None:
        """Brings a snapshot back; where its result does not hold any more, its masks are measured again."""
        self._nodes.unwatch(session)
        with session.quiet():
            self._nodes.put_back(session, snapshot.masks, snapshot.box, snapshot.result)
        labels = Volume(snapshot.labels.array, grid) if snapshot.labels is not None else None
        masks = Segmentation(labels, snapshot.confidence) if labels is not None else None
        session.run = Run(snapshot.result, masks) if snapshot.result is not None else None
        if session.automatic != snapshot.automatic:
            session.known.forget()  # measured after another run, from which levels and box are taken
        session.automatic, session.other_edits = snapshot.automatic, snapshot.edits
        session.box_moved = self._nodes.is_box_moved(session)
        session.version += 1
        session.changed_at, session.message, session.failure = None, "", ""
        session.state = session.settled
        self._follow(session)
        if snapshot.is_measured and (snapshot.grid is None or snapshot.grid.is_close(grid)):
            if labels is not None and session.run is not None:
                session.known.remember(labels, session.edits(labels), session.run.result)
        else:
            self._sessions.touch(session, settled=True)
        self._sessions.changed.emit(session)
