"""The widgets for what is typed beside the masks of a case."""

from __future__ import annotations

from typing import Any

from OpportunisticBMDLib.cases import CaseInfo, Exclusion
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDPanel.annotating.form import METHODS, Form
from OpportunisticBMDPanel.signals import Signal


class FormView:
    """Shows a `Form`, and reads it again.

    Args:
        ui: the widgets of Annotating.ui by name.
    """

    def __init__(self, ui: Any) -> None:
        self.edited = Signal()  # by the reader
        self._ui = ui
        self._is_filling = False
        self._bmd = {name: getattr(ui, f"bmd{name}Edit") for name in VERTEBRAE}
        self._exclusions = {e.value: getattr(ui, f"exclusion_{e.value}") for e in Exclusion}
        for method in ("", *METHODS):
            ui.methodComboBox.addItem(method)
        for edit in (ui.nameEdit, *self._bmd.values()):
            edit.connect("textChanged(QString)", self._on_edited)
        ui.methodComboBox.connect("editTextChanged(QString)", self._on_edited)
        for exclusion in Exclusion:
            box = self._exclusions[exclusion.value]
            box.toolTip = exclusion.words  # its text leaves out what stands in brackets
            box.connect("toggled(bool)", self._on_edited)

    @property
    def name(self) -> str:
        """Who works on the case, as it is typed."""
        return self._ui.nameEdit.text

    def read(self, info: CaseInfo) -> Form:
        """What the widgets hold.

        Args:
            info: of the case, for the exclusions that have no widget.
        """
        return Form(
            name=self.name,
            bmd={name: edit.text for name, edit in self._bmd.items()},
            method=self._ui.methodComboBox.currentText,
            exclusions=frozenset(value for value, box in self._exclusions.items() if box.checked),
            others=Form.of(info).others,
        )

    def fill(self, form: Form) -> None:
        """Puts a form into the widgets, which does not count as an edit."""
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

    def _on_edited(self, *_value: object) -> None:
        if not self._is_filling:
            self.edited.emit()
