"""The section that measures: its buttons, how far a run is, what went wrong, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDPanel.logic import PanelLogic
from OpportunisticBMDPanel.measuring import export, wording
from OpportunisticBMDPanel.measuring.results_view import ResultsView
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.slicer import theme
from OpportunisticBMDPanel.slicer.protocols import Dialogs


class MeasuringView:
    """Joins the section's widgets to the logic.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        session: gives that of the chosen volume; without one, no button is enabled.
        has_packages: whether the chain can run, asking the reader to install what is missing.
    """

    def __init__(
        self,
        ui: Any,
        logic: PanelLogic,
        dialogs: Dialogs,
        *,
        session: Callable[[], Session],
        has_packages: Callable[[], bool],
    ) -> None:
        self.note = ""  # of the worker
        self._ui, self._logic, self._dialogs = ui, logic, dialogs
        self._session, self._has_packages = session, has_packages
        self.results = ResultsView(ui, self._on_use)
        for button, slot in (
            (ui.computeButton, self._on_compute),
            (ui.cancelButton, self._on_cancel),
            (ui.installButton, self._on_install),
            (ui.measureAgainButton, self._on_measure_again),
            (ui.exportButton, self._on_export),
        ):
            button.connect("clicked(bool)", slot)

    def show(self, session: Session | None, width_px: int) -> None:
        """Shows the state of the chosen volume.

        Args:
            width_px: of the plot.
        """
        self._show_run(session)
        self._show_message(session)
        self.results.show(session, width_px)

    def _show_run(self, session: Session | None) -> None:
        ui = self._ui
        running = session is not None and session.state is State.RUNNING
        result = session.result if session is not None else None
        ui.computeButton.visible, ui.cancelButton.visible = not running, running
        ui.computeButton.enabled = session is not None
        ui.computeButton.text = _("Compute BMD again") if result is not None else _("Compute BMD")
        ui.progressFrame.visible = running
        if session is not None and running:
            stage, fraction = session.progress
            ui.progressBar.value = round(100 * fraction)
            ui.progressLabel.text = wording.progress(stage, fraction)
        facts = wording.acquisition(result) if result is not None else ""
        ui.acquisitionLabel.text = facts
        ui.acquisitionLabel.visible = bool(facts)
        ui.acquisitionLabel.styleSheet = ui.researchLabel.styleSheet = f"color: {theme.muted()};"

    def _show_message(self, session: Session | None) -> None:
        ui = self._ui
        has_failed = session is not None and session.state is State.FAILED
        text, severity = wording.message(session, self.note)
        ui.messageLabel.text = text
        ui.messageFrame.visible = bool(text)
        ui.messageFrame.setStyleSheet(theme.banner(theme.severity_colour(severity)))
        ui.installButton.visible = has_failed and session is not None and session.failure == "packages"
        ui.measureAgainButton.visible = has_failed and session is not None and session.run is not None

    def _on_compute(self, checked: bool = False) -> None:
        session = self._session()
        question = _("The masks were edited by hand. Computing again replaces them.")
        if self._logic.has_edits(session) and not self._dialogs.confirm(question, _("Compute again?")):
            return
        if self._has_packages():
            self._ui.exportedLabel.text = ""
            self._logic.compute(session)

    def _on_cancel(self, checked: bool = False) -> None:
        self._logic.cancel()

    def _on_install(self, checked: bool = False) -> None:
        if self._has_packages():
            self._logic.compute(self._session())

    def _on_measure_again(self, checked: bool = False) -> None:
        self._logic.measure_again(self._session())

    def _on_use(self, vertebra: str, used: bool) -> None:
        self._logic.use(self._session(), vertebra, used)

    def _on_export(self, checked: bool = False) -> None:
        session = self._session()
        folder = self._dialogs.choose_folder(_("Folder for the result"))
        if folder is None or session.run is None:
            return
        try:
            with slicer.util.WaitCursor():
                ct = self._logic.ct(session)
                files = export.write(folder, ct.acquisition.path, ct, session.run)
        except BadInput as error:
            self._dialogs.error(str(error))
            return
        self._ui.exportedLabel.text = _("{number} files in {folder}").format(number=len(files), folder=folder)
