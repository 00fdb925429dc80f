"""The settings section: what may be chosen, within its range and with its unit, each with a way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctk
from slicer.i18n import tr as _

from OpportunisticBMDLib.core.materials import MATERIALS
from OpportunisticBMDLib.inference.device import DEVICES
from OpportunisticBMDLib.inference.engine import ENGINES
from OpportunisticBMDLib.results.report_text import DEFAULT_TEMPLATE, PLACEHOLDERS
from OpportunisticBMDPanel.settings.settings import VOLTAGES_KV, Settings, with_default


class SettingsView:
    """Joins the section's widgets to settings.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        on_apply: called with new settings that are valid.
    """

    def __init__(self, ui: Any, settings: Settings, on_apply: Callable[[Settings], None]) -> None:
        self._ui, self._on_apply, self._applied = ui, on_apply, settings
        self._is_writing = False
        ui.deviceComboBox.addItems([_("Automatic"), _("CPU"), _("NVIDIA GPU (CUDA)")])
        engines = {"auto": _("Automatic"), "openvino": "OpenVINO", "torch": "PyTorch"}
        ui.engineComboBox.addItems([engines[name] for name in ENGINES])
        ui.materialComboBox.addItems(list(MATERIALS))
        ui.voltageComboBox.addItems([_("As the file states"), *(f"{kvp:g}" for kvp in VOLTAGES_KV)])
        ui.modelsEdit.filters = ctk.ctkPathLineEdit.Dirs
        ui.templateEdit.toolTip = _template_help()
        self._write(settings)
        resets = {
            ui.deviceResetButton: ("device",),
            ui.engineResetButton: ("engine",),
            ui.modelsResetButton: ("models",),
            ui.osteoporosisResetButton: ("osteoporosis_mg_cm3",),
            ui.osteopeniaResetButton: ("osteopenia_mg_cm3",),
            ui.materialResetButton: ("material",),
            ui.lineResetButton: ("own_line", "slope_hu_per_mg_cm3", "intercept_hu"),
            ui.voltageResetButton: ("kvp",),
            ui.templateResetButton: ("report_template",),
        }
        for button, names in resets.items():
            button.connect("clicked(bool)", self._resetter(names))
        ui.resetAllButton.connect("clicked(bool)", self._on_reset_all)
        ui.applySettingsButton.connect("clicked(bool)", self._on_apply_clicked)
        for choice in (ui.deviceComboBox, ui.engineComboBox, ui.materialComboBox, ui.voltageComboBox):
            choice.connect("currentIndexChanged(int)", self._on_changed)
        ui.modelsEdit.connect("currentPathChanged(QString)", self._on_changed)
        ui.ownLineCheckBox.connect("toggled(bool)", self._on_changed)
        ui.templateEdit.connect("textChanged()", self._on_changed)
        for box in (ui.osteoporosisSpinBox, ui.osteopeniaSpinBox, ui.slopeSpinBox, ui.interceptSpinBox):
            box.connect("valueChanged(double)", self._on_changed)

    def show(self, settings: Settings, *, can_change: bool) -> None:
        """Shows the settings in force; what was typed and not applied stays."""
        if settings != self._applied:
            self._applied = settings
            self._write(settings)
        self._ui.settingsSection.enabled = can_change

    def _write(self, settings: Settings) -> None:
        ui = self._ui
        self._is_writing = True
        ui.deviceComboBox.currentIndex = DEVICES.index(settings.device)
        ui.engineComboBox.currentIndex = ENGINES.index(settings.engine)
        ui.modelsEdit.currentPath = "" if settings.models is None else str(settings.models)
        ui.osteoporosisSpinBox.value = settings.osteoporosis_mg_cm3
        ui.osteopeniaSpinBox.value = settings.osteopenia_mg_cm3
        ui.materialComboBox.currentIndex = MATERIALS.index(settings.material)
        ui.ownLineCheckBox.checked = settings.own_line
        ui.slopeSpinBox.value = settings.slope_hu_per_mg_cm3
        ui.interceptSpinBox.value = settings.intercept_hu
        ui.voltageComboBox.currentIndex = 0 if settings.kvp is None else 1 + VOLTAGES_KV.index(settings.kvp)
        ui.templateEdit.plainText = settings.report_template
        self._is_writing = False
        self._on_changed()

    def _read(self) -> Settings:
        """What the widgets hold.

        Raises:
            ValueError: a value out of its range.
        """
        ui = self._ui
        voltage = int(ui.voltageComboBox.currentIndex)
        path = ui.modelsEdit.currentPath.strip()
        return Settings(
            device=DEVICES[ui.deviceComboBox.currentIndex],
            engine=ENGINES[ui.engineComboBox.currentIndex],
            models=Path(path) if path else None,
            osteoporosis_mg_cm3=float(ui.osteoporosisSpinBox.value),
            osteopenia_mg_cm3=float(ui.osteopeniaSpinBox.value),
            material=MATERIALS[ui.materialComboBox.currentIndex],
            own_line=bool(ui.ownLineCheckBox.checked),
            slope_hu_per_mg_cm3=float(ui.slopeSpinBox.value),
            intercept_hu=float(ui.interceptSpinBox.value),
            kvp=VOLTAGES_KV[voltage - 1] if voltage else None,
            report_template=ui.templateEdit.plainText.strip() or DEFAULT_TEMPLATE,
        )

    def _on_changed(self, *_value: object) -> None:
        if self._is_writing:
            return
        ui = self._ui
        for box in (ui.slopeSpinBox, ui.interceptSpinBox):
            box.enabled = bool(ui.ownLineCheckBox.checked)
        try:
            is_new, fault = self._read() != self._applied, ""
        except ValueError as error:
            is_new, fault = False, str(error)
        ui.applySettingsButton.enabled = is_new
        ui.settingsMessageLabel.text = fault
        ui.settingsMessageLabel.visible = bool(fault)

    def _resetter(self, names: tuple[str, ...]) -> Callable[..., None]:
        def reset(*_checked: object) -> None:
            self._apply(with_default(self._applied, *names))

        return reset

    def _on_reset_all(self, *_checked: object) -> None:
        self._apply(Settings())

    def _on_apply_clicked(self, *_checked: object) -> None:
        settings = self._read()
        self._ui.modelsEdit.addCurrentPathToHistory()
        self._apply(settings)

    def _apply(self, settings: Settings) -> None:
        self._applied = settings
        self._write(settings)
        self._on_apply(settings)


def _template_help() -> str:
    """What the text for a report may hold, a placeholder a line."""
    lines = [f"{{{name}}}: {meaning}" for name, meaning in PLACEHOLDERS.items()]
    return "\n".join([_("What is put on the clipboard by “Copy for the report”. It may hold:"), *lines])
