"""The section that corrects: the Segment Editor, the vertebrae's names, and the box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDPanel.correcting.segment_editing import SegmentEditing
from OpportunisticBMDPanel.logic import PanelLogic
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.slicer.nodes import Nodes
from OpportunisticBMDPanel.slicer.protocols import Dialogs
from OpportunisticBMDPanel.slicer.tab_order import put_behind, reached_by_tab


class CorrectingView:
    """Joins the section's widgets to the logic.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        nodes: the scene, as the panel sees it.
        session: gives that of the chosen volume; without one, no button is enabled.
    """

    def __init__(
        self,
        ui: Any,
        logic: PanelLogic,
        nodes: Nodes,
        dialogs: Dialogs,
        editing: SegmentEditing,
        session: Callable[[], Session],
    ) -> None:
        self._ui, self._logic, self._nodes, self._dialogs = ui, logic, nodes, dialogs
        self._editing, self._session = editing, session
        for button, slot in (
            (ui.relabelUpButton, self._on_relabel_up),
            (ui.relabelDownButton, self._on_relabel_down),
            (ui.segmentAgainButton, self._on_segment_again),
            (ui.showBoxCheckBox, self._on_show_box),
        ):
            button.connect("clicked(bool)", slot)
        put_behind(ui.correctSection, reached_by_tab(editing.editor))
        logic.declined.connect(dialogs.error)

    def show(self, session: Session | None) -> None:
        """Enables what can be corrected now."""
        ui = self._ui
        at_rest = session if session is not None and session.state is not State.RUNNING else None
        ui.correctSection.enabled = at_rest is not None and at_rest.result is not None
        has_masks = at_rest is not None and at_rest.segmentation_node is not None
        ui.editorContainer.enabled = has_masks
        has_names = has_masks or (at_rest is not None and at_rest.has_levels)
        ui.relabelUpButton.enabled = ui.relabelDownButton.enabled = has_names
        has_box = session is not None and self._nodes.has_box(session)
        ui.showBoxCheckBox.enabled = has_box
        ui.segmentAgainButton.enabled = has_box and at_rest is not None and at_rest.box_moved
        if session is not None and has_box:
            ui.showBoxCheckBox.checked = self._nodes.is_box_shown(session)
        self._editing.show(session)

    def _on_relabel_up(self, checked: bool = False) -> None:
        self._move_names(-1)

    def _on_relabel_down(self, checked: bool = False) -> None:
        self._move_names(+1)

    def _move_names(self, by: int) -> None:
        """By one vertebra towards the feet or the head; along those in view where they are known."""
        if self._session().has_levels:
            self._move_levels(by)
        else:
            self._rename_masks(-by)  # names that move towards the feet make T12 of L1

    def _move_levels(self, by: int) -> None:
        session = self._session()
        question = _("The masks were edited by hand. Moving the names segments again and replaces them.")
        if self._logic.has_edits(session) and not self._dialogs.confirm(question, _("Move the names?")):
            return
        self._logic.move_levels(session, by)

    def _rename_masks(self, by: int) -> None:
        try:
            self._logic.relabel(self._session(), by)
        except BadInput as error:
            self._dialogs.error(str(error))

    def _on_show_box(self, checked: bool = False) -> None:
        """The same as the box's eye in the Data module."""
        self._nodes.show_box(self._session(), checked)

    def _on_segment_again(self, checked: bool = False) -> None:
        session = self._session()
        question = _("The masks were edited by hand. Segmenting again replaces them.")
        if self._logic.has_edits(session) and not self._dialogs.confirm(question, _("Segment again?")):
            return
        self._logic.segment_again(session)
