"""The researcher's section: cases of an annotated dataset, opened, corrected, saved, and fitted.

It is filled when it is opened for the first time: what it needs beyond the panel (`annotating-requirements.txt`) is
imported only then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import slicer
from slicer.i18n import tr as _

from OpportunisticBMDPanel.protocols import Dialogs, Headers, Packages, Views
from OpportunisticBMDPanel.signals import Signal

FOLDER_KEY = "OpportunisticBMD/AnnotatingFolder"
FAULT_STYLE = "color: #b3261e;"


class Measuring(Protocol):
    """The panel's logic, as far as the automatic segmentation of a volume needs it."""

    computed: Signal
    changed: Signal

    def session(self, volume_node: Any) -> Any: ...
    def compute(self, session: Any) -> None: ...


class Store(Protocol):
    """The part of QSettings that is used."""

    def value(self, key: str) -> Any: ...
    def setValue(self, key: str, value: Any) -> None: ...


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What the section uses of the panel around it.

    Args:
        packages: those that annotating and fitting need beyond the panel's.
        current_volume, select_volume: the panel's chosen CT.
        subject: DICOM keywords -> values that tell sex and age of a volume's patient, and who it is, to keep that out.
        models, use_models: the panel's model folder; None for the models that ship. RuntimeError while it is in use.
        python: the interpreter of child processes; None for the running one.
    """

    scene: Any
    logic: Measuring
    dialogs: Dialogs
    views: Views
    packages: Packages
    store: Store
    header: Headers
    subject: Callable[[Any], Mapping[str, str]]
    current_volume: Callable[[], Any]
    select_volume: Callable[[Any], None]
    models: Callable[[], Path | None]
    use_models: Callable[[Path], None]
    python: str | None = None


class AnnotatingSection:
    """Fills a collapsible section, and joins its widgets to what they do.

    Args:
        section: ctkCollapsibleButton with a layout of its own.
        ui_path: of Annotating.ui.
        around: the panel.
    """

    def __init__(self, section: Any, ui_path: str, around: Surroundings) -> None:
        self._section, self._around = section, around
        self._ui_path = ui_path
        self.ui: Any = None
        self._parts: _Parts | None = None
        section.connect("contentsCollapsed(bool)", self._on_collapsed)
        if not section.collapsed:
            self.open()

    def open(self) -> None:
        """Fills the section, if that is not done yet, and tries again where packages were missing."""
        if self.ui is None:
            widget = slicer.util.loadUI(self._ui_path)
            self._section.layout().addWidget(widget)
            self.ui = slicer.util.childWidgetVariables(widget)
            self._widget = widget
            self.ui.installPackagesButton.connect("clicked(bool)", self._on_install)
        if self._parts is None:
            missing = self._around.packages.missing()
            self._show_missing(missing)
            if not missing:
                self._parts = _Parts(self._widget, self.ui, self._around)

    def cleanup(self) -> None:
        """Puts unsaved work aside, and leaves nothing running."""
        if self._parts is not None:
            self._parts.cleanup()
            self._parts = None

    @property
    def cases(self) -> Any:
        """The part with the dataset's cases; None until the section was opened."""
        return self._parts.cases if self._parts else None

    @property
    def fit(self) -> Any:
        """The part that fits a network; None until the section was opened."""
        return self._parts.fit if self._parts else None

    def _on_collapsed(self, collapsed: bool) -> None:
        if not collapsed:
            self.open()

    def _show_missing(self, missing: list[str]) -> None:
        self.ui.missingFrame.visible = bool(missing)
        for part in (self.ui.openFolderButton, self.ui.datasetPart, self.ui.fitSection):
            part.enabled = not missing
        if missing:
            self.ui.missingLabel.text = _("Annotating needs {names} ({size}).").format(
                names=", ".join(missing), size=self._around.packages.size_in_words(missing)
            )

    def _on_install(self, checked: bool = False) -> None:
        missing = self._around.packages.missing()
        try:
            self._around.packages.install(missing)
        except RuntimeError as error:
            self._around.dialogs.error(f"{error}\n{self._around.packages.by_hand(missing)}")
        self.open()


class _Parts:
    """Both halves of the section, once their packages are there."""

    def __init__(self, widget: Any, ui: Any, around: Surroundings) -> None:
        from OpportunisticBMDPanel.annotating_cases import CasesPart
        from OpportunisticBMDPanel.annotating_fit_part import FitPart

        widget.setMRMLScene(around.scene)
        self.cases = CasesPart(ui, around)
        self.fit = FitPart(ui, around, lambda: self.cases.directory)
        self.cases.dataset_changed.connect(self.fit.refresh)
        self.cases.reopen_last()
        self.fit.refresh()

    def cleanup(self) -> None:
        self.fit.cleanup()
        self.cases.cleanup()


def show_message(label: Any, text: str, *, is_fault: bool = False) -> None:
    """One sentence under what was done."""
    label.styleSheet = FAULT_STYLE if is_fault else ""
    label.text = text
