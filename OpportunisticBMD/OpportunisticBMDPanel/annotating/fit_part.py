"""The section's fit of a network: started, its curves watched, stopped, and its model taken into use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from OpportunisticBMDLib.cases import open_dataset
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import FITTED_ON_CASES
from OpportunisticBMDPanel.annotating.curve import Look, draw_curves
from OpportunisticBMDPanel.annotating.fit import FitPlan, FitRun, FitState
from OpportunisticBMDPanel.annotating.message import show_message
from OpportunisticBMDPanel.annotating.surroundings import Surroundings
from OpportunisticBMDPanel.slicer import theme

CURVE = "curve.png"

POLL_MS = 1_000


class FitPart:
    """Joins the widgets of the fit to `annotating.fit`.

    Args:
        ui: the widgets of Annotating.ui by name.
        around: the panel.
        directory: gives the open dataset's folder, or None.
    """

    def __init__(self, ui: Any, around: Surroundings, directory: Callable[[], Path | None]) -> None:
        self.run: FitRun | None = None
        self._ui, self._around, self._directory = ui, around, directory
        self._shown_step: int | None = None
        for stage in FITTED_ON_CASES:
            ui.stageComboBox.addItem(stage)
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MS)
        self._timer.connect("timeout()", self.tick)
        for button, slot in (
            (ui.fitButton, self._on_start),
            (ui.stopFitButton, self._on_stop),
            (ui.installModelButton, self._on_install),
        ):
            button.connect("clicked(bool)", slot)

    def refresh(self) -> None:
        """Enables what can be done now."""
        running = self.run is not None and self.run.state is FitState.RUNNING
        self._ui.fitButton.enabled = not running and self._directory() is not None
        self._ui.stopFitButton.enabled = running
        self._ui.installModelButton.enabled = self.run is not None and self.run.state is FitState.FINISHED

    def tick(self) -> None:
        """Looks how far the fit is."""
        run = self.run
        if run is None:
            return
        state = run.poll()
        self._show_curve(run)
        if state is FitState.RUNNING:
            show_message(self._ui.fitMessageLabel, run.last_line)
            return
        self._timer.stop()
        if state is FitState.FINISHED:
            show_message(self._ui.fitMessageLabel, _("Done. {last}").format(last=run.last_line))
        elif state is FitState.FAILED:
            text = _("The fit failed: {last} More is in {folder}.")
            text = text.format(last=run.last_line, folder=run.plan.folder)
            show_message(self._ui.fitMessageLabel, text, is_fault=True)
        self.refresh()

    def cleanup(self) -> None:
        """Ends the fit."""
        self._timer.stop()
        if self.run is not None:
            self.run.stop()

    def plan(self) -> FitPlan:
        """What the widgets ask for. The fit lies beside the dataset, not in it.

        Raises:
            BadInput: no dataset, no finished case to fit on, or a number that is not valid.
        """
        folder = self._directory()
        if folder is None:
            raise BadInput(_("No dataset is open."))
        dataset = open_dataset(folder)
        if not len(dataset):
            raise BadInput(_("No case of this dataset is read or reviewed yet: finish at least one before a fit."))
        directory = dataset.directory.resolve()
        return FitPlan(
            dataset=directory,
            folder=directory.with_name(f"{directory.name}-fit"),
            stage=self._ui.stageComboBox.currentText,
            steps=self._ui.stepsSpinBox.value,
            virtual=self._ui.virtualSpinBox.value,
            start=self._around.models(),
            continues=self._ui.startCheckBox.checked,
        )

    def _on_start(self, checked: bool = False) -> None:
        try:
            run = FitRun(self.plan(), self._around.python)
            run.start()
        except BadInput as error:
            show_message(self._ui.fitMessageLabel, str(error), is_fault=True)
            return
        self.run, self._shown_step = run, None
        self._timer.start()
        show_message(self._ui.fitMessageLabel, _("The fit begins…"))
        self.refresh()

    def _on_stop(self, checked: bool = False) -> None:
        self._timer.stop()
        if self.run is not None:
            self.run.stop()
        show_message(self._ui.fitMessageLabel, _("Stopped. Another start goes on from what was saved."))
        self.refresh()

    def _on_install(self, checked: bool = False) -> None:
        if self.run is None:
            return
        models = self.run.plan.models
        try:
            self._around.use_models(models)
        except RuntimeError as error:  # the panel is in the middle of a run
            show_message(self._ui.fitMessageLabel, _("Not now: {error}.").format(error=error), is_fault=True)
            return
        show_message(self._ui.fitMessageLabel, _("Compute BMD uses the models in {folder}.").format(folder=models))

    def _show_curve(self, run: FitRun) -> None:
        """Draws the curves anew when the log has grown."""
        curves = run.curves()
        last_step = max((step for points in curves.values() for step in points), default=None)
        if last_step is None or last_step == self._shown_step:
            return
        self._shown_step = last_step
        picture = run.plan.folder / CURVE
        draw_curves(curves, picture, Look(theme.ink(), theme.ground(), theme.curve_colours()))
        self._ui.curveLabel.pixmap = qt.QPixmap(str(picture))
