"""The case in work: opened in a role, corrected, put aside, and saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from OpportunisticBMDLib.cases import CaseInfo, open_dataset
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDPanel.annotating import work
from OpportunisticBMDPanel.annotating.automatic import AutomaticMasks
from OpportunisticBMDPanel.annotating.dataset_part import DatasetPart
from OpportunisticBMDPanel.annotating.form import Form
from OpportunisticBMDPanel.annotating.form_view import FormView
from OpportunisticBMDPanel.annotating.message import show_message
from OpportunisticBMDPanel.annotating.nodes import CaseNodes
from OpportunisticBMDPanel.annotating.surroundings import Surroundings
from OpportunisticBMDPanel.annotating.work import AUTOMATIC, BY_HAND, OpenCase, Role
from OpportunisticBMDPanel.correcting.segment_editing import SegmentEditing
from OpportunisticBMDPanel.slicer import theme
from OpportunisticBMDPanel.slicer.tab_order import put_behind, reached_by_tab

AUTOSAVE_MS = 20_000
EDITOR_TAG = "OpportunisticBMDAnnotating"  # the panel's other Segment Editor keeps its own choices


class CasePart:
    """Joins the widgets of the case in work to `annotating.work`.

    Args:
        ui: the widgets of Annotating.ui by name.
        around: the panel.
        dataset: the list that the case is chosen from.
    """

    def __init__(self, ui: Any, around: Surroundings, dataset: DatasetPart) -> None:
        self.case: OpenCase | None = None
        self.has_unsaved = False
        self.nodes = CaseNodes(around.scene, self._on_edited)
        self._ui, self._around, self._dataset = ui, around, dataset
        self._origin = BY_HAND
        self._form = FormView(ui)
        self._automatic = AutomaticMasks(around.logic)
        self._editing = SegmentEditing(ui.annotatingEditorContainer, around.scene, around.editors, EDITOR_TAG)
        put_behind(ui.automaticButton, reached_by_tab(self._editing.editor))
        self._role_words = {
            Role.ANNOTATOR: _("as annotator"),
            Role.REVIEWER: _("as reviewer"),
            Role.SECOND_READER: _("as second reader, blind"),
        }
        self._save_words = {
            Role.ANNOTATOR: _("Save as read"),
            Role.REVIEWER: _("Save as reviewed"),
            Role.SECOND_READER: _("Save second read"),
        }
        for role in Role:
            ui.roleComboBox.addItem(self._role_words[role])
        self._connect()
        self._timer = qt.QTimer()
        self._timer.setInterval(AUTOSAVE_MS)
        self._timer.connect("timeout()", self.autosave)
        self._timer.start()
        self._observer = around.scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, self._on_scene_closing)

    @property
    def role(self) -> Role:
        """In which the next case is opened."""
        return tuple(Role)[self._ui.roleComboBox.currentIndex]

    def open_case(self, case_id: str) -> None:
        """Puts a case into the scene as the chosen role may see it; work on the former case is put aside."""
        self.leave()
        if self._dataset.directory is None:
            return
        try:
            case = work.open_case(self._dataset.directory, case_id, self.role, self._form.name.strip())
        except BadInput as error:
            self._dataset.tell(str(error), is_fault=True)
            return
        self.case = case
        labels = case.labels or work.empty_labels(case.ct.volume)
        self.nodes.show(case_id, case.ct.volume, labels)
        self._around.views.show(self.nodes.volume_node)
        self._around.select_volume(self.nodes.volume_node)
        self._editing.show(self.nodes)
        self._form.fill(Form.of(case.info, self._form.name))
        self.has_unsaved, self._origin = False, BY_HAND
        self._show_case(case)
        self._dataset.select(case_id)
        self._dataset.tell("")
        self._tell("")

    def autosave(self) -> None:
        """Puts unsaved work aside; nothing where nothing was changed."""
        self.nodes.look_for_edits()
        # Where the nodes are gone, the last draft is the best that there is.
        if self.case is None or not self.has_unsaved or not self.nodes.are_here:
            return
        try:
            work.autosave(self.case, self.nodes.labels(), self._form.read(self.case.info))
        except BadInput as error:
            self._tell(str(error), is_fault=True)
            return
        except OSError as error:
            text = _("Unsaved work cannot be put aside: {error}.").format(error=error.strerror or error)
            self._tell(text, is_fault=True)
            return
        self.has_unsaved = False

    def leave(self) -> None:
        """Puts unsaved work aside and takes the case out of the scene."""
        self.autosave()
        self._automatic.forget()
        self.case = None
        self._editing.show(None)
        self.nodes.remove()
        self._ui.casePart.visible = False

    def cleanup(self) -> None:
        """Leaves the case, and nothing observed."""
        self._timer.stop()
        self._automatic.cleanup()
        self._around.scene.RemoveObserver(self._observer)
        self.leave()
        self._editing.cleanup()

    # What the reader does

    def _connect(self) -> None:
        ui = self._ui
        for button, slot in (
            (ui.nextButton, self._on_next),
            (ui.openCaseButton, self._on_open),
            (ui.automaticButton, self._on_automatic),
            (ui.restoreButton, self._on_restore),
            (ui.discardButton, self._on_discard),
            (ui.keepDraftButton, self._on_keep_draft),
            (ui.saveButton, self._on_save),
        ):
            button.connect("clicked(bool)", slot)
        ui.roleComboBox.connect("currentIndexChanged(int)", self._on_role)
        ui.caseTable.connect("cellDoubleClicked(int,int)", self._on_open)
        self._dataset.leaving.connect(self.leave)
        self._form.edited.connect(self._on_edited)
        self._automatic.done.connect(self._on_automatic_masks)
        self._automatic.failed.connect(self._on_automatic_failed)

    def _on_open(self, *_place: object) -> None:
        if self._dataset.selected_id is not None:
            self.open_case(self._dataset.selected_id)

    def _on_next(self, checked: bool = False) -> None:
        case_id = self._dataset.next_unread(after=self.case.case_id if self.case else None)
        if case_id is None:
            self._dataset.tell(_("No other case in this list waits for its annotator."))
            return
        self.open_case(case_id)

    def _on_role(self, *_index: object) -> None:
        """Another role may see other masks: the case has to be opened anew."""
        if self.case is not None and self.case.role is not self.role:
            self.open_case(self.case.case_id)

    def _on_edited(self) -> None:
        self.has_unsaved = True

    def _on_restore(self, checked: bool = False) -> None:
        draft = self.case.draft if self.case is not None else None
        if draft is None:
            return
        if draft.labels is not None:
            self.nodes.put(draft.labels)
        self._form.fill(Form.from_fields(draft.fields))
        self.has_unsaved = True
        self._ui.draftFrame.visible = False
        self._tell(_("The unsaved work is back: save it when it is done."))

    def _on_discard(self, checked: bool = False) -> None:
        if self.case is not None:
            work.discard(self.case)
        self._ui.draftFrame.visible = False
        self._dataset.show_rows()

    def _on_keep_draft(self, checked: bool = False) -> None:
        self._save(lambda case, labels, form: work.keep_as_draft(case, labels, form, self._origin))

    def _on_save(self, checked: bool = False) -> None:
        self._save(lambda case, labels, form: work.save(case, labels, form, self._origin))

    def _save(self, how: Callable[[OpenCase, Volume, Form], work.SavedWork]) -> None:
        case = self._case_in_scene()
        if case is None:
            return
        try:
            saved = how(case, self.nodes.labels(), self._form.read(case.info))
        except BadInput as error:
            self._tell(str(error), is_fault=True)
            return
        except OSError as error:
            self.autosave()
            text = _("{case} cannot be saved: {error}.")
            self._tell(text.format(case=case.case_id, error=error.strerror or error), is_fault=True)
            return
        self.has_unsaved = False
        self._show_people(open_dataset(case.directory).info(case.case_id))
        self._ui.draftFrame.visible = False
        self._dataset.show()
        self._tell(saved.message)

    # Automatic masks

    def _on_automatic(self, checked: bool = False) -> None:
        case = self._case_in_scene()
        if case is None:
            return
        self._tell(_("The models are at work…"))
        self._automatic.ask(self.nodes.volume_node, case.ct)
        self._update_buttons()

    def _on_automatic_masks(self, session: Any) -> None:
        """The panel's automatic result is there: its masks are the ones to be corrected."""
        self._update_buttons()
        if self.case is not None:
            work.remember_uncertainty(self.case.directory, self.case.case_id, session.run.result)
        if session.run.segmentation is None:
            reasons = " ".join(reason.message for reason in session.run.result.reasons)
            self._tell(_("The models found no vertebrae: {reasons}").format(reasons=reasons), is_fault=True)
            return
        self.nodes.adopt(session.segmentation_node, [session.box_node, session.table_node, session.regions_node])
        self._editing.show(self.nodes)
        self._origin = AUTOMATIC
        self.has_unsaved = True
        self._tell(_("These masks are automatic: correct them, then save."))

    def _on_automatic_failed(self, message: str) -> None:
        self._update_buttons()
        self._tell(message, is_fault=True)

    # The scene, and what is shown

    def _on_scene_closing(self, caller: Any, event: str) -> None:
        self.leave()
        self._dataset.show_rows()

    def _case_in_scene(self) -> OpenCase | None:
        """The case in work; None, with a sentence for the reader, where its nodes were deleted."""
        if self.case is not None and self.nodes.are_here:
            return self.case
        self._tell(_("The case is no longer in the scene: open it again."), is_fault=True)
        return None

    def _show_case(self, case: OpenCase) -> None:
        ui = self._ui
        ui.casePart.visible = True
        ui.casePart.title = f"{case.case_id} – {self._role_words[case.role]}"
        self._show_people(case.info)
        ui.draftFrame.visible = case.draft is not None
        ui.draftFrame.styleSheet = theme.banner(theme.severity_colour("warning"), "draftFrame")
        ui.keepDraftButton.visible = case.role is Role.ANNOTATOR
        ui.saveButton.text = self._save_words[case.role]
        self._update_buttons()

    def _show_people(self, info: CaseInfo) -> None:
        text = _("Annotator: {annotator}. Reviewer: {reviewer}.")
        self._ui.peopleLabel.text = text.format(annotator=info.annotator or "–", reviewer=info.reviewer or "–")

    def _update_buttons(self) -> None:
        """Nothing can be drawn or saved while masks are made that will replace those on the screen."""
        ui = self._ui
        for widget in (ui.automaticButton, ui.keepDraftButton, ui.saveButton, ui.annotatingEditorContainer):
            widget.enabled = not self._automatic.is_awaited
        self._around.editors.settle()

    def _tell(self, text: str, *, is_fault: bool = False) -> None:
        """Writes one sentence under the case."""
        show_message(self._ui.caseMessageLabel, text, is_fault=is_fault)
