"""The two small buttons that undo and redo the panel's steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDPanel.correcting import steps_wording
from OpportunisticBMDPanel.logic import PanelLogic
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.slicer.protocols import Dialogs
from OpportunisticBMDPanel.slicer.shortcuts import with_key


class StepsView:
    """Joins the buttons to the logic.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        session: gives that of the chosen volume; without one, no button is enabled.
    """

    def __init__(self, ui: Any, logic: PanelLogic, dialogs: Dialogs, session: Callable[[], Session]) -> None:
        self._ui, self._logic, self._dialogs, self._session = ui, logic, dialogs, session
        ui.undoButton.connect("clicked(bool)", lambda checked=False: self._go(self._logic.undo))
        ui.redoButton.connect("clicked(bool)", lambda checked=False: self._go(self._logic.redo))

    def show(self, session: Session | None) -> None:
        """Both are seen as soon as there is a step; each says what it would change."""
        ui, history = self._ui, session.history if session is not None else None
        at_rest = session is not None and session.state is not State.RUNNING
        to_undo = history.to_undo if history is not None else None
        to_redo = history.to_redo if history is not None else None
        ui.undoButton.visible = ui.redoButton.visible = to_undo is not None or to_redo is not None
        ui.undoButton.enabled = at_rest and to_undo is not None
        ui.redoButton.enabled = at_rest and to_redo is not None
        undo = _("Undo: {step}").format(step=steps_wording.step(*to_undo)) if to_undo else _("Nothing to undo")
        redo = _("Redo: {step}").format(step=steps_wording.step(*to_redo)) if to_redo else _("Nothing to redo")
        ui.undoButton.toolTip, ui.redoButton.toolTip = with_key(undo, "undoButton"), with_key(redo, "redoButton")

    def _go(self, way: Callable[[Session], None]) -> None:
        try:
            way(self._session())
        except BadInput as error:
            self._dialogs.error(str(error))
