"""The models' masks for a case, made by the panel's logic."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDPanel.annotating.surroundings import Measuring
from OpportunisticBMDPanel.session import State
from OpportunisticBMDPanel.signals import Signal


class AutomaticMasks:
    """Asks for the masks of one volume at a time, and says when they are there, or others in their place.

    Args:
        logic: the panel's.
    """

    def __init__(self, logic: Measuring) -> None:
        self.done = Signal()  # the session with the result; again when the reader moves its names or its box
        self.failed = Signal()  # a sentence
        self._logic = logic
        self._awaited: Any = None  # a session
        self._source: Any = None  # the session that gave the masks
        logic.computed.connect(self._on_computed)
        logic.cancelled.connect(self._on_cancelled)
        logic.changed.connect(self._on_changed)

    @property
    def is_awaited(self) -> bool:
        return self._awaited is not None

    def ask(self, volume_node: Any, ct: CT) -> None:
        """Has a volume computed.

        Args:
            ct: the volume, with the kVp and the contrast that case.json states.
        """
        session = self._logic.session(volume_node)
        session.ct = ct
        self._awaited = session
        self._logic.compute(session)

    def forget(self) -> None:
        """Takes no answer any more: the case was left."""
        self._awaited = self._source = None

    def cleanup(self) -> None:
        self._logic.computed.disconnect(self._on_computed)
        self._logic.cancelled.disconnect(self._on_cancelled)
        self._logic.changed.disconnect(self._on_changed)

    def _on_computed(self, session: Any) -> None:
        if session in (self._awaited, self._source):
            was_awaited, self._awaited = session is self._awaited, None
            if session.run.segmentation is not None:
                self._source = session
            self.done.emit(session)
            if was_awaited:
                session.history.start_here()  # to undo the run would take the case's masks out of the scene
                self._logic.changed.emit(session)

    def _on_cancelled(self, session: Any) -> None:
        if session is self._awaited:
            self._fail(_("The models were stopped: the masks are as they were."))

    def _on_changed(self, session: Any) -> None:
        if session is self._awaited and session.state is State.FAILED:
            self._fail(session.message)

    def _fail(self, message: str) -> None:
        self._awaited = None
        self.failed.emit(message)
