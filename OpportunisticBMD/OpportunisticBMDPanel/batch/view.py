"""The section for several CTs: a folder in, a folder out, progress, and a row for each CT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

from OpportunisticBMDLib.results import wording
from OpportunisticBMDPanel.batch.process import SUMMARY, BatchRow
from OpportunisticBMDPanel.batch.runner import Batch
from OpportunisticBMDPanel.measuring import wording as panel_wording
from OpportunisticBMDPanel.settings.settings import Settings

NOT_READ = "failed"


class BatchView:
    """Joins the section's widgets to a batch.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        settings: what is to be measured with.
        has_packages: whether the chain can run, asking the reader to install what is missing.
        on_start: called when there is something to hear: a timer has to call `tick`.
    """

    def __init__(
        self,
        ui: Any,
        batch: Batch,
        *,
        settings: Callable[[], Settings],
        has_packages: Callable[[], bool],
        on_start: Callable[[], None],
    ) -> None:
        self._ui, self._batch = ui, batch
        self._settings, self._has_packages, self._on_start = settings, has_packages, on_start
        self._shown = 0
        self._was_cancelled = self._was_run = False
        ui.batchTable.setHorizontalHeaderLabels([_("CT"), _("BMD\nmg/cm³ HA"), _("Category"), _("Remark")])
        ui.batchTable.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        ui.batchTable.horizontalHeader().setStretchLastSection(True)
        ui.batchTable.verticalHeader().setVisible(False)
        for edit in (ui.batchInputEdit, ui.batchOutputEdit):
            edit.filters = ctk.ctkPathLineEdit.Dirs
        ui.batchButton.connect("clicked(bool)", self._on_run)
        ui.batchCancelButton.connect("clicked(bool)", self._on_cancel)
        ui.batchInputEdit.connect("currentPathChanged(QString)", self._on_paths)
        ui.batchOutputEdit.connect("currentPathChanged(QString)", self._on_paths)
        batch.changed.connect(self.refresh)
        self.refresh()

    def cleanup(self) -> None:
        self._batch.cancel()

    def refresh(self) -> None:
        ui, batch = self._ui, self._batch
        running = batch.is_running
        ui.batchButton.visible, ui.batchCancelButton.visible = not running, running
        ui.batchProgressBar.visible = running
        ui.batchProgressBar.value = round(100 * batch.fraction)
        ui.batchInputEdit.enabled = ui.batchOutputEdit.enabled = not running
        ui.batchButton.enabled = self._folders() is not None
        ui.batchLabel.text = self._in_words()
        ui.batchTable.visible = bool(batch.rows)
        if len(batch.rows) < self._shown:
            self._shown = 0
        ui.batchTable.rowCount = len(batch.rows)
        for row in range(self._shown, len(batch.rows)):
            self._show_row(row, batch.rows[row])
        self._shown = len(batch.rows)

    def _in_words(self) -> str:
        batch = self._batch
        done, total = len(batch.rows), len(batch.names)
        if batch.message:
            return batch.message
        if batch.is_running:
            if not total:
                return _("Loading the models…")
            name = batch.names[min(done, total - 1)]
            return _("CT {number} of {total}: {name}").format(number=min(done + 1, total), total=total, name=name)
        if self._was_cancelled:
            return _("Stopped after {done} of {total}; {summary} holds what was finished.").format(
                done=done, total=total, summary=SUMMARY
            )
        if batch.rows:
            measured = sum(row.bmd_mg_cm3 is not None for row in batch.rows)
            return _("{measured} of {total} measured; {summary} in the results folder lists all.").format(
                measured=measured, total=total, summary=SUMMARY
            )
        if self._was_run:
            return _("No CT was found in this folder: choose one that holds image files or DICOM folders.")
        return _("Image files, zips and DICOM folders are measured one after the other, apart from this window.")

    def _show_row(self, number: int, row: BatchRow) -> None:
        number_of = wording.with_sd(row.bmd_mg_cm3, row.bmd_sd_mg_cm3)
        for column, text in enumerate((row.name, number_of, _category_of(row), row.message)):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            self._ui.batchTable.setItem(number, column, item)

    def _folders(self) -> tuple[Path, Path] | None:
        """In and out, once both were chosen."""
        given, wanted = self._ui.batchInputEdit.currentPath.strip(), self._ui.batchOutputEdit.currentPath.strip()
        if not given or not wanted or not Path(given).is_dir() or Path(given) == Path(wanted):
            return None
        return Path(given), Path(wanted)

    def _on_paths(self, path: str) -> None:
        self.refresh()

    def _on_run(self, checked: bool = False) -> None:
        folders = self._folders()
        if folders is None or not self._has_packages():
            return
        for edit in (self._ui.batchInputEdit, self._ui.batchOutputEdit):
            edit.addCurrentPathToHistory()
        self._was_cancelled, self._was_run, self._shown = False, True, 0
        self._batch.start(*folders, self._settings())
        self._on_start()

    def _on_cancel(self, checked: bool = False) -> None:
        self._was_cancelled = True
        self._batch.cancel()


def _category_of(row: BatchRow) -> str:
    if row.status == NOT_READ:
        return _("not read")
    return panel_wording.category(row.category) if row.category else _("no density")
