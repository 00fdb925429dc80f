"""The row beneath the result that leads through the CT: vertebra by vertebra, and with the window for bone."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDPanel.measuring.navigation import Navigation
from OpportunisticBMDPanel.session import Session
from OpportunisticBMDPanel.slicer import bone_window
from OpportunisticBMDPanel.slicer.protocols import Views


class LookingView:
    """Joins the row's buttons, and the table's rows, to the views.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
    """

    def __init__(self, ui: Any, views: Views) -> None:
        self._ui = ui
        self._session: Session | None = None
        self.navigation = Navigation(views, self._show_current)
        ui.previousVertebraButton.connect("clicked(bool)", lambda checked=False: self.navigation.previous())
        ui.nextVertebraButton.connect("clicked(bool)", lambda checked=False: self.navigation.next())
        ui.boneWindowButton.connect("clicked(bool)", self._on_bone_window)
        ui.vertebraTable.connect("cellClicked(int,int)", self._on_row)

    def show(self, session: Session | None) -> None:
        """Follows the chosen volume."""
        self._session = session
        self.navigation.follow(session)
        self._show_current()
        self.show_window()

    def show_window(self) -> None:
        """Whether the window is that for bone: the reader may have dragged it in a view."""
        is_on = self._session is not None and bone_window.is_on(self._session.volume_node)
        self._ui.boneWindowButton.checked = is_on

    def _show_current(self) -> None:
        ui, current = self._ui, self.navigation.current
        ui.shownVertebraLabel.text = _("Last shown: {vertebra}").format(vertebra=current) if current else ""
        ui.previousVertebraButton.enabled = self.navigation.neighbour(-1) is not None
        ui.nextVertebraButton.enabled = self.navigation.neighbour(1) is not None
        if current is None:
            ui.vertebraTable.clearSelection()
        else:
            ui.vertebraTable.selectRow(VERTEBRAE.index(current))

    def _on_row(self, row: int, column: int) -> None:
        self.navigation.to(VERTEBRAE[row])
        self._show_current()  # a row without a place is not selected

    def _on_bone_window(self, checked: bool) -> None:
        if self._session is None:
            return
        if checked:
            bone_window.turn_on(self._session.volume_node)
        else:
            bone_window.turn_off(self._session.volume_node)
        self.show_window()
