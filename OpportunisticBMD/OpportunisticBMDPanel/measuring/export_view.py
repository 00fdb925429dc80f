"""What leaves the panel: a folder of files, with or without DICOM objects, and the text for a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.reference import with_standing
from OpportunisticBMDLib.results.report_text import report_text
from OpportunisticBMDPanel.logic import PanelLogic
from OpportunisticBMDPanel.measuring import export
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.slicer import dicom_database
from OpportunisticBMDPanel.slicer.protocols import Dialogs


class ExportView:
    """Joins the buttons under the result to what they write. That DICOM objects are wanted is kept in no setting.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        session: gives that of the chosen volume.
        has_dicom_packages: whether DICOM objects can be made, asking the reader to install what is missing.
    """

    def __init__(
        self,
        ui: Any,
        logic: PanelLogic,
        dialogs: Dialogs,
        *,
        session: Callable[[], Session],
        has_dicom_packages: Callable[[], bool],
    ) -> None:
        self._ui, self._logic, self._dialogs = ui, logic, dialogs
        self._session, self._has_dicom_packages = session, has_dicom_packages
        self._done_with: Run | None = None  # what was exported or copied last
        ui.exportButton.connect("clicked(bool)", self._on_export)
        ui.copyButton.connect("clicked(bool)", self._on_copy)

    def show(self, session: Session | None) -> None:
        """Shows what can leave, and what did for as long as it is what the panel shows."""
        ui = self._ui
        can_leave = session is not None and session.state is not State.STALE
        ui.exportButton.enabled = ui.copyButton.enabled = can_leave
        if session is None or session.run is not self._done_with or session.state is State.STALE:
            ui.exportedLabel.text = ""
        ui.exportedLabel.visible = bool(ui.exportedLabel.text)
        ui.dicomCheckBox.enabled = session is not None and bool(dicom_database.first_file_of(session.volume_node))

    def _tell_done(self, session: Session, text: str) -> None:
        self._done_with = session.run
        self._ui.exportedLabel.text = text
        self.show(session)

    def _on_copy(self, checked: bool = False) -> None:
        session = self._session()
        if session.shown_result is not None:
            text = report_text(session.shown_result, self._logic.settings.report_template)
            slicer.app.clipboard().setText(text)
            self._tell_done(session, _("The text for the report is on the clipboard."))

    def _on_export(self, checked: bool = False) -> None:
        session, box = self._session(), self._ui.dicomCheckBox
        as_dicom = bool(box.enabled and box.checked)
        if as_dicom and not self._has_dicom_packages():
            return
        folder = self._dialogs.choose_folder(_("Folder for the result"))
        if folder is None or session.run is None:
            return
        try:
            with slicer.util.WaitCursor():
                words = self._export(session, session.run, folder, as_dicom)
        except BadInput as error:
            self._dialogs.error(str(error))
            return
        self._tell_done(session, words)

    def _export(self, session: Session, run: Run, folder: Path, as_dicom: bool) -> str:
        """What was written where, in a sentence.

        Raises:
            BadInput: the folder cannot be written, or no DICOM object can refer to the CT's slices.
        """
        slices = dicom_database.files_of(session.volume_node) if as_dicom else []
        ct = self._logic.ct(session)
        run = replace(run, result=with_standing(run.result, session.person))
        files = export.write(folder, ct.acquisition.path, ct, run, slices)
        if not as_dicom:
            words = _("{number} files in {folder}")
        elif dicom_database.add([file for file in files if file.suffix == ".dcm"]):
            words = _("{number} files in {folder}; the DICOM objects are in Slicer's DICOM database, too")
        else:
            words = _("{number} files in {folder}; Slicer's DICOM database did not take all DICOM objects: import them")
        return words.format(number=len(files), folder=folder)
