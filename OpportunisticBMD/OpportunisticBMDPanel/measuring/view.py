"""The section that measures: its buttons, how far a run is, what went wrong, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from OpportunisticBMDPanel.logic import PanelLogic
from OpportunisticBMDPanel.measuring import wording
from OpportunisticBMDPanel.measuring.export_view import ExportView
from OpportunisticBMDPanel.measuring.looking_view import LookingView
from OpportunisticBMDPanel.measuring.results_view import ResultsView
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.slicer import theme
from OpportunisticBMDPanel.slicer.protocols import Dialogs, Views

LEAST_PX = 280  # of the result's width
MARGINS_PX = 8  # of the panel, both sides together


class MeasuringView:
    """Joins the section's widgets to the logic.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        session: gives that of the chosen volume; without one, no button is enabled.
        has_packages: whether the chain can run, asking the reader to install what is missing.
        has_mended_packages: the same after a package could not be loaded.
        has_dicom_packages: whether DICOM objects can be made, asking likewise.
    """

    def __init__(
        self,
        ui: Any,
        logic: PanelLogic,
        dialogs: Dialogs,
        views: Views,
        *,
        session: Callable[[], Session],
        has_packages: Callable[[], bool],
        has_mended_packages: Callable[[], bool],
        has_dicom_packages: Callable[[], bool],
    ) -> None:
        self.note = ""  # of the worker
        self._ui, self._logic, self._dialogs = ui, logic, dialogs
        self._session = session
        self._has_packages, self._has_mended_packages = has_packages, has_mended_packages
        self.results = ResultsView(ui, self._on_use)
        self._export = ExportView(ui, logic, dialogs, session=session, has_dicom_packages=has_dicom_packages)
        self._looking = LookingView(ui, views)
        self.navigation = self._looking.navigation
        for button, slot in (
            (ui.computeButton, self._on_compute),
            (ui.cancelButton, self._on_cancel),
            (ui.installButton, self._on_install),
            (ui.measureAgainButton, self._on_measure_again),
        ):
            button.connect("clicked(bool)", slot)

    def show(self, session: Session | None, panel_px: int) -> None:
        """Shows the state of the chosen volume.

        Args:
            panel_px: the panel's width.
        """
        self._show_run(session)
        self._show_message(session)
        self._export.show(session)
        self.results.show(session, _inner_px(panel_px))
        self._looking.show(session)

    def keep_up(self, panel_px: int) -> None:
        """Follows what nothing tells of: how wide the panel is, and the window that the reader drags in a view."""
        self.results.fit(_inner_px(panel_px))
        self._looking.show_window()

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
            self._logic.compute(session)

    def _on_cancel(self, checked: bool = False) -> None:
        self._logic.cancel()

    def _on_install(self, checked: bool = False) -> None:
        session = self._session()
        if self._has_mended_packages():
            self._logic.compute(session)

    def _on_measure_again(self, checked: bool = False) -> None:
        self._logic.measure_again(self._session())

    def _on_use(self, vertebra: str, used: bool) -> None:
        self._logic.use(self._session(), vertebra, used)


def _inner_px(panel_px: int) -> int:
    """The width that the result has in a panel."""
    return max(LEAST_PX, panel_px - MARGINS_PX)
