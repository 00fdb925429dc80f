"""The section's cases: the dataset's list, the case in work, and what is saved of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.scene.volumes import ct_of
from OpportunisticBMDLib.vertebrae import VERTEBRAE
from OpportunisticBMDPanel import annotating_logic as work
from OpportunisticBMDPanel.annotating import FOLDER_KEY, Surroundings, show_message
from OpportunisticBMDPanel.annotating_logic import AUTOMATIC, BY_HAND, Form, OpenCase, Role, Row
from OpportunisticBMDPanel.annotating_nodes import CaseNodes
from OpportunisticBMDPanel.editing import SegmentEditing
from OpportunisticBMDPanel.signals import Signal
from OpportunisticBMDPanel.states import State
from training.dataset import STATUSES, Exclusion, open_dataset

AUTOSAVE_MS = 20_000
EDITOR_TAG = "OpportunisticBMDAnnotating"  # the panel's other Segment Editor keeps its own choices
DRAFT_STYLE = "QFrame#draftFrame { background: #fff4d6; border: 1px solid #e0b84c; border-radius: 4px; }"


class CasesPart:
    """Joins the widgets of the dataset and of the case in work to `annotating_logic`.

    Args:
        ui: the widgets of Annotating.ui by name.
        around: the panel.
    """

    def __init__(self, ui: Any, around: Surroundings) -> None:
        self.dataset_changed = Signal()
        self.directory: Path | None = None
        self.case: OpenCase | None = None
        self._ui, self._around = ui, around
        self._nodes = CaseNodes(around.scene, self._on_edited)
        self._rows: tuple[Row, ...] = ()
        self._is_dirty = self._is_filling = False
        self._origin = BY_HAND
        self._awaited: Any = None  # the session whose automatic segmentation was asked for
        self._bmd = {name: getattr(ui, f"bmd{name}Edit") for name in VERTEBRAE}
        self._exclusions = {e.value: getattr(ui, f"exclusion_{e.value}") for e in Exclusion}
        self._fill_choices()
        self._editing = SegmentEditing(ui.annotatingEditorContainer, around.scene, EDITOR_TAG)
        self._connect()
        self._timer = qt.QTimer()
        self._timer.setInterval(AUTOSAVE_MS)
        self._timer.connect("timeout()", self.autosave)
        self._timer.start()
        self._observer = around.scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, self._on_scene_closing)
        self._show_dataset()

    # The dataset

    def reopen_last(self) -> None:
        """Opens the dataset of the last time, if it is still there."""
        folder = self._around.store.value(FOLDER_KEY)
        if folder and (Path(str(folder)) / "dataset.json").is_file():
            self.open_folder(Path(str(folder)))

    def open_folder(self, folder: Path) -> None:
        """Opens a dataset, or begins one in an empty folder."""
        try:
            dataset = work.open_or_create(folder)
        except (BadInput, OSError) as error:
            show_message(self._ui.datasetMessageLabel, str(error), is_fault=True)
            self._around.dialogs.error(str(error))
            return
        self._leave_case()
        self.directory = dataset.directory
        self._around.store.setValue(FOLDER_KEY, str(folder))
        self._show_dataset()
        waiting = [row.case_id for row in self._rows if row.has_draft]
        text = _("Unsaved work was found on: {cases}.").format(cases=", ".join(waiting)) if waiting else ""
        show_message(self._ui.datasetMessageLabel, text)

    def cleanup(self) -> None:
        """Puts unsaved work aside and takes the case out of the scene."""
        self._timer.stop()
        self._around.logic.computed.disconnect(self._on_computed)
        self._around.logic.changed.disconnect(self._on_session_changed)
        self._around.scene.RemoveObserver(self._observer)
        self._leave_case()
        self._editing.scene_closed()

    def _on_open_folder(self, checked: bool = False) -> None:
        folder = self._around.dialogs.choose_folder(_("Folder of an annotated dataset, or an empty one"))
        if folder is not None:
            self.open_folder(Path(folder))

    def _show_dataset(self) -> None:
        ui = self._ui
        ui.datasetPart.enabled = self.directory is not None
        ui.folderLabel.text, ui.folderLabel.toolTip = _("No dataset is open."), ""
        if self.directory is not None:
            dataset = open_dataset(self.directory)
            text = _("{name} (cases: {cases}, finished: {finished})")
            numbers = {"cases": len(dataset.ids), "finished": len(dataset)}
            ui.folderLabel.text = text.format(name=self.directory.resolve().name, **numbers)
            ui.folderLabel.toolTip = str(self.directory)
        self._show_rows()
        self.dataset_changed.emit()

    def _show_rows(self, *_: object) -> None:
        """Fills the list anew; the selected case stays selected."""
        table, selected = self._ui.caseTable, self.selected_id
        self._rows = ()
        if self.directory is not None:
            index = self._ui.filterComboBox.currentIndex
            statuses = () if index == 0 else (STATUSES[index - 1],)
            hardest = self._ui.orderComboBox.currentIndex == 1
            self._rows = work.rows_of(open_dataset(self.directory), statuses=statuses, hardest=hardest)
        table.setRowCount(len(self._rows))
        for number, row in enumerate(self._rows):
            score = "" if row.score is None else f"{row.score:.2f}"
            texts = (row.case_id, self._status_words[row.status], score, "●" if row.has_draft else "")
            for column, text in enumerate(texts):
                table.setItem(number, column, qt.QTableWidgetItem(text))
            if row.case_id == selected:
                table.selectRow(number)
        self._update_buttons()

    @property
    def selected_id(self) -> str | None:
        """The case that is chosen in the list."""
        number = self._ui.caseTable.currentRow()
        return self._rows[number].case_id if 0 <= number < len(self._rows) else None

    def select(self, case_id: str) -> None:
        """Chooses a case in the list."""
        ids = [row.case_id for row in self._rows]
        if case_id in ids:
            self._ui.caseTable.selectRow(ids.index(case_id))

    def _on_add_volume(self, checked: bool = False) -> None:
        node = self._around.current_volume()
        if node is None:
            self._fault(_("Choose a CT volume at the top of the panel first."), self._ui.datasetMessageLabel)
            return
        try:
            ct = ct_of(node, self._around.header(node))
            case_id = work.add_volume(self.directory, ct, self._around.subject(node), self._ui.pseudonymEdit.text)
        except BadInput as error:
            self._fault(str(error), self._ui.datasetMessageLabel)
            return
        self._ui.pseudonymEdit.text = ""
        self._show_dataset()
        self.select(case_id)
        text = _("{case} was added without the patient's identity. The volume in the scene was left as it is.")
        show_message(self._ui.datasetMessageLabel, text.format(case=case_id))

    # The case in work

    @property
    def role(self) -> Role:
        return tuple(Role)[self._ui.roleComboBox.currentIndex]

    def open_case(self, case_id: str) -> None:
        """Puts a case into the scene as the chosen role may see it; work on the former case is put aside."""
        self._leave_case()
        try:
            case = work.open_case(self.directory, case_id, self.role, self._ui.nameEdit.text.strip())
        except BadInput as error:
            self._fault(str(error), self._ui.datasetMessageLabel)
            return
        self.case = case
        labels = case.labels or work.empty_labels(case.ct.volume)
        self._nodes.show(case_id, case.ct.volume, labels)
        self._around.views.show(self._nodes.volume_node)
        self._around.select_volume(self._nodes.volume_node)
        self._editing.show(self._nodes)
        self._editing.open()
        self._fill_form(Form.of(case.info, self._ui.nameEdit.text))
        self._is_dirty, self._origin = False, BY_HAND
        self._show_case()
        self.select(case_id)
        show_message(self._ui.datasetMessageLabel, "")
        show_message(self._ui.caseMessageLabel, "")

    def autosave(self) -> None:
        """Puts unsaved work aside; nothing where nothing was changed."""
        self._nodes.look_for_edits()
        # Where the nodes are gone, the last draft is the best that there is.
        if self.case is None or not self._is_dirty or not self._nodes.are_here:
            return
        try:
            work.autosave(self.case, self._nodes.labels(), self._form())
        except BadInput as error:
            self._fault(str(error))
            return
        except OSError as error:
            self._fault(_("Unsaved work cannot be put aside: {error}.").format(error=error.strerror or error))
            return
        self._is_dirty = False

    def _on_open_case(self, *_: object) -> None:
        if self.selected_id is not None:
            self.open_case(self.selected_id)

    def _on_next(self, checked: bool = False) -> None:
        case_id = work.next_unread(self._rows, self.case.case_id if self.case else None)
        if case_id is None:
            show_message(self._ui.datasetMessageLabel, _("No other case in this list waits for its annotator."))
            return
        self.open_case(case_id)

    def _on_automatic(self, checked: bool = False) -> None:
        if not self._work_is_here():
            return
        session = self._around.logic.session(self._nodes.volume_node)
        session.ct = self.case.ct  # with the kVp and the contrast that case.json states
        self._awaited = session
        show_message(self._ui.caseMessageLabel, _("The models are at work…"))
        self._update_buttons()
        self._around.logic.compute(session)

    def _on_computed(self, session: Any) -> None:
        """The panel's automatic result is there: its masks are the ones to be corrected."""
        if session is not self._awaited:
            return
        self._awaited = None
        self._update_buttons()
        work.remember_uncertainty(self.directory, self.case.case_id, session.run.result)
        if session.run.segmentation is None:
            reasons = " ".join(reason.message for reason in session.run.result.reasons)
            self._fault(_("The models found no vertebrae: {reasons}").format(reasons=reasons))
            return
        self._nodes.adopt(session.segmentation_node, [session.box_node, session.table_node, session.regions_node])
        self._editing.show(self._nodes)
        self._editing.open()
        self._origin = AUTOMATIC
        self._on_edited()
        show_message(self._ui.caseMessageLabel, _("These masks are automatic: correct them, then save."))

    def _on_session_changed(self, session: Any) -> None:
        if session is self._awaited and session.state is State.FAILED:
            self._awaited = None
            self._update_buttons()
            self._fault(session.message)

    def _on_restore(self, checked: bool = False) -> None:
        draft = self.case.draft
        if draft.labels is not None:
            self._nodes.put(draft.labels)
        self._fill_form(Form.from_fields(draft.fields))
        self._is_dirty = True
        self._ui.draftFrame.visible = False
        show_message(self._ui.caseMessageLabel, _("The unsaved work is back: save it when it is done."))

    def _on_discard(self, checked: bool = False) -> None:
        work.discard(self.case)
        self._ui.draftFrame.visible = False
        self._show_rows()

    def _on_keep_draft(self, checked: bool = False) -> None:
        self._save(lambda case, labels, form: work.keep_as_draft(case, labels, form, self._origin))

    def _on_save(self, checked: bool = False) -> None:
        self._save(lambda case, labels, form: work.save(case, labels, form, self._origin))

    def _save(self, how: Callable[[OpenCase, Any, Form], work.Saved]) -> None:
        if not self._work_is_here():
            return
        case_id = self.case.case_id
        try:
            saved = how(self.case, self._nodes.labels(), self._form())
        except BadInput as error:
            self._fault(str(error))
            return
        except OSError as error:
            self.autosave()
            self._fault(_("{case} cannot be saved: {error}.").format(case=case_id, error=error.strerror or error))
            return
        self._is_dirty = False
        dataset = open_dataset(self.directory)
        self._show_people(dataset.info(case_id))
        self._ui.draftFrame.visible = False
        self._show_dataset()
        show_message(self._ui.caseMessageLabel, saved.message)

    def _leave_case(self) -> None:
        """Puts unsaved work aside and takes the case out of the scene."""
        self.autosave()
        self._awaited = None
        self.case = None
        self._editing.close()
        self._editing.show(None)
        self._nodes.remove()
        self._ui.casePart.visible = False

    def _on_scene_closing(self, caller: Any, event: str) -> None:
        self._leave_case()
        self._editing.scene_closed()
        self._show_rows()

    def _on_role(self, *_: object) -> None:
        """Another role may see other masks: the case has to be opened anew."""
        if self.case is not None and self.case.role is not self.role:
            self.open_case(self.case.case_id)

    def _on_edited(self, *_: object) -> None:
        if not self._is_filling:
            self._is_dirty = True

    def _work_is_here(self) -> bool:
        if self.case is not None and self._nodes.are_here:
            return True
        self._fault(_("The case is no longer in the scene: open it again."))
        return False

    # Showing and reading the widgets

    def _form(self) -> Form:
        return Form(
            name=self._ui.nameEdit.text,
            bmd={name: edit.text for name, edit in self._bmd.items()},
            method=self._ui.methodComboBox.currentText,
            exclusions=frozenset(value for value, box in self._exclusions.items() if box.checked),
            others=Form.of(self.case.info).others,
        )

    def _fill_form(self, form: Form) -> None:
        self._is_filling = True
        try:
            self._ui.nameEdit.text = form.name
            for name, edit in self._bmd.items():
                edit.text = form.bmd[name]
            self._ui.methodComboBox.currentText = form.method
            for value, box in self._exclusions.items():
                box.checked = value in form.exclusions
        finally:
            self._is_filling = False

    def _show_case(self) -> None:
        ui, case = self._ui, self.case
        ui.casePart.visible = True
        ui.casePart.title = f"{case.case_id} – {self._role_words[case.role]}"
        self._show_people(case.info)
        ui.draftFrame.visible = case.draft is not None
        ui.keepDraftButton.visible = case.role is Role.ANNOTATOR
        ui.saveButton.text = self._save_words[case.role]
        self._update_buttons()

    def _show_people(self, info: Any) -> None:
        text = _("Annotator: {annotator}. Reviewer: {reviewer}.")
        self._ui.peopleLabel.text = text.format(annotator=info.annotator or "–", reviewer=info.reviewer or "–")

    def _update_buttons(self, *_: object) -> None:
        self._ui.openCaseButton.enabled = self.selected_id is not None
        self._ui.nextButton.enabled = any(row.is_unread for row in self._rows)
        for button in (self._ui.automaticButton, self._ui.keepDraftButton, self._ui.saveButton):
            button.enabled = self._awaited is None

    def _fault(self, text: str, label: Any = None) -> None:
        show_message(label or self._ui.caseMessageLabel, text, is_fault=True)

    def _fill_choices(self) -> None:
        self._status_words = {
            "new": _("new"),
            "draft": _("draft"),
            "read": _("read"),
            "reviewed": _("reviewed"),
        }
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
        ui = self._ui
        ui.filterComboBox.addItem(_("all cases"))
        for status in STATUSES:
            ui.filterComboBox.addItem(self._status_words[status])
        ui.orderComboBox.addItem(_("by name"))
        ui.orderComboBox.addItem(_("hardest first"))
        for role in Role:
            ui.roleComboBox.addItem(self._role_words[role])
        for method in ("", *work.METHODS):
            ui.methodComboBox.addItem(method)
        ui.draftFrame.styleSheet = DRAFT_STYLE
        ui.caseTable.horizontalHeader().setStretchLastSection(True)
        ui.caseTable.verticalHeader().hide()

    def _connect(self) -> None:
        ui = self._ui
        for button, slot in (
            (ui.openFolderButton, self._on_open_folder),
            (ui.nextButton, self._on_next),
            (ui.openCaseButton, self._on_open_case),
            (ui.addVolumeButton, self._on_add_volume),
            (ui.automaticButton, self._on_automatic),
            (ui.restoreButton, self._on_restore),
            (ui.discardButton, self._on_discard),
            (ui.keepDraftButton, self._on_keep_draft),
            (ui.saveButton, self._on_save),
        ):
            button.connect("clicked(bool)", slot)
        ui.filterComboBox.connect("currentIndexChanged(int)", self._show_rows)
        ui.orderComboBox.connect("currentIndexChanged(int)", self._show_rows)
        ui.roleComboBox.connect("currentIndexChanged(int)", self._on_role)
        ui.caseTable.connect("itemSelectionChanged()", self._update_buttons)
        ui.caseTable.connect("cellDoubleClicked(int,int)", self._on_open_case)
        for edit in (ui.nameEdit, *self._bmd.values()):
            edit.connect("textChanged(QString)", self._on_edited)
        ui.methodComboBox.connect("editTextChanged(QString)", self._on_edited)
        for box in self._exclusions.values():
            box.connect("toggled(bool)", self._on_edited)
        self._around.logic.computed.connect(self._on_computed)
        self._around.logic.changed.connect(self._on_session_changed)
