"""The reader's edits in the scene, and what each of them makes out of date."""

from __future__ import annotations

from OpportunisticBMDPanel.following.sessions import Sessions
from OpportunisticBMDPanel.session import Session
from OpportunisticBMDPanel.slicer.nodes import Nodes


class EditWatch:
    """Follows the nodes of sessions, and marks a session as out of date when one of them was edited.

    Args:
        nodes: the scene, as the panel sees it.
    """

    def __init__(self, sessions: Sessions, nodes: Nodes) -> None:
        self._sessions, self._nodes = sessions, nodes

    def follow(self, session: Session) -> None:
        """Watches a session's masks, box and volume, until `Nodes.unwatch`."""
        self._nodes.watch(
            session,
            lambda: self._on_masks(session),
            lambda: self._on_box(session),
            lambda: self._sessions.changed.emit(session),
            lambda: self._on_voxels(session),
        )

    def _on_masks(self, session: Session) -> None:
        if not session.is_quiet and session.run is not None:
            self._sessions.touch(session)

    def _on_box(self, session: Session) -> None:
        """A moved box changes no number: the reader decides whether it is segmented in again."""
        if session.is_quiet or session.result is None:
            return
        self._sessions.touch_box(session)
        is_moved = self._nodes.is_box_moved(session)
        if is_moved != session.box_moved:
            session.box_moved = is_moved
            self._sessions.changed.emit(session)

    def _on_voxels(self, session: Session) -> None:
        """Nothing that was measured on the former voxels holds."""
        session.ct, session.has_new_voxels = None, True
        session.known.forget()
        session.history.forget()
        self._sessions.touch(session)
