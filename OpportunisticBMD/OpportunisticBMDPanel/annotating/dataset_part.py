"""The section's dataset: its folder, the list of its cases, and the volumes that are added to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from OpportunisticBMDLib.cases import STATUSES, open_dataset
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.scene.volumes import ct_of
from OpportunisticBMDPanel.annotating.dataset import CaseRow, add_volume, next_unread, open_or_create, rows_of
from OpportunisticBMDPanel.annotating.message import show_message
from OpportunisticBMDPanel.annotating.surroundings import Surroundings
from OpportunisticBMDPanel.signals import Signal

FOLDER_KEY = "OpportunisticBMD/AnnotatingFolder"


class DatasetPart:
    """Joins the widgets of the dataset to `annotating.dataset`.

    Args:
        ui: the widgets of Annotating.ui by name.
        around: the panel.
    """

    def __init__(self, ui: Any, around: Surroundings) -> None:
        self.leaving = Signal()  # another dataset is about to be opened
        self.changed = Signal()
        self.directory: Path | None = None
        self._ui, self._around = ui, around
        self._rows: tuple[CaseRow, ...] = ()
        self._status_words = {
            "new": _("new"),
            "draft": _("draft"),
            "read": _("read"),
            "reviewed": _("reviewed"),
        }
        self._fill_choices()
        ui.openFolderButton.connect("clicked(bool)", self._on_open_folder)
        ui.addVolumeButton.connect("clicked(bool)", self._on_add_volume)
        ui.filterComboBox.connect("currentIndexChanged(int)", self.show_rows)
        ui.orderComboBox.connect("currentIndexChanged(int)", self.show_rows)
        ui.caseTable.connect("itemSelectionChanged()", self._update_buttons)

    def reopen_last(self) -> None:
        """Opens the dataset of the last time, if it is still there."""
        folder = self._around.store.value(FOLDER_KEY)
        if folder and (Path(str(folder)) / "dataset.json").is_file():
            self.open_folder(Path(str(folder)))

    def open_folder(self, folder: Path) -> None:
        """Opens a dataset, or begins one in an empty folder."""
        try:
            dataset = open_or_create(folder)
        except (BadInput, OSError) as error:
            self.tell(str(error), is_fault=True)
            self._around.dialogs.error(str(error))
            return
        self.leaving.emit()
        self.directory = dataset.directory
        self._around.store.setValue(FOLDER_KEY, str(folder))
        self.show()
        waiting = [row.case_id for row in self._rows if row.has_draft]
        self.tell(_("Unsaved work was found on: {cases}.").format(cases=", ".join(waiting)) if waiting else "")

    def show(self) -> None:
        """Shows the dataset as it is now."""
        ui = self._ui
        ui.datasetPart.enabled = self.directory is not None
        ui.folderLabel.text, ui.folderLabel.toolTip = _("No dataset is open."), ""
        if self.directory is not None:
            dataset = open_dataset(self.directory)
            text = _("{name} (cases: {cases}, finished: {finished})")
            numbers = {"cases": len(dataset.ids), "finished": len(dataset)}
            ui.folderLabel.text = text.format(name=self.directory.resolve().name, **numbers)
            ui.folderLabel.toolTip = str(self.directory)
        self.show_rows()
        self.changed.emit()

    def show_rows(self, *_: object) -> None:
        """Fills the list anew; the selected case stays selected."""
        table, selected = self._ui.caseTable, self.selected_id
        self._rows = self._read_rows()
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

    def next_unread(self, after: str | None) -> str | None:
        """The next case in the list that waits for its annotator; None where none but `after` does."""
        return next_unread(self._rows, after)

    def tell(self, text: str, *, is_fault: bool = False) -> None:
        """Writes one sentence under the list."""
        show_message(self._ui.datasetMessageLabel, text, is_fault=is_fault)

    def _read_rows(self) -> tuple[CaseRow, ...]:
        if self.directory is None:
            return ()
        index = self._ui.filterComboBox.currentIndex
        statuses = () if index == 0 else (STATUSES[index - 1],)
        hardest = self._ui.orderComboBox.currentIndex == 1
        return rows_of(open_dataset(self.directory), statuses=statuses, hardest=hardest)

    def _on_open_folder(self, checked: bool = False) -> None:
        folder = self._around.dialogs.choose_folder(_("Folder of an annotated dataset, or an empty one"))
        if folder is not None:
            self.open_folder(Path(folder))

    def _on_add_volume(self, checked: bool = False) -> None:
        node = self._around.current_volume()
        if self.directory is None:
            return
        if node is None:
            self.tell(_("Choose a CT volume at the top of the panel first."), is_fault=True)
            return
        try:
            ct = ct_of(node, self._around.header(node))
            case_id = add_volume(self.directory, ct, self._around.subject(node), self._ui.pseudonymEdit.text)
        except BadInput as error:
            self.tell(str(error), is_fault=True)
            return
        self._ui.pseudonymEdit.text = ""
        self.show()
        self.select(case_id)
        text = _("{case} was added without the patient's identity. The volume in the scene was left as it is.")
        self.tell(text.format(case=case_id))

    def _update_buttons(self) -> None:
        self._ui.openCaseButton.enabled = self.selected_id is not None
        self._ui.nextButton.enabled = any(row.is_unread for row in self._rows)

    def _fill_choices(self) -> None:
        ui = self._ui
        ui.filterComboBox.addItem(_("all cases"))
        for status in STATUSES:
            ui.filterComboBox.addItem(self._status_words[status])
        ui.orderComboBox.addItem(_("by name"))
        ui.orderComboBox.addItem(_("hardest first"))
        ui.caseTable.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        ui.caseTable.horizontalHeader().setStretchLastSection(True)
        ui.caseTable.verticalHeader().hide()
