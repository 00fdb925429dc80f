"""The researcher's section: cases of an annotated dataset, opened, corrected, saved, and fitted.

It is filled when it is opened for the first time: what it needs beyond the panel (`annotating-requirements.txt`) is
imported only then.
"""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from OpportunisticBMDPanel.annotating.surroundings import Surroundings
from OpportunisticBMDPanel.slicer.shortcuts import show_keys


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
            show_keys(self.ui)
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
    def dataset(self) -> Any:
        """The part with the dataset's list of cases; None until the section was opened."""
        return self._parts.dataset if self._parts else None

    @property
    def work(self) -> Any:
        """The part with the case in work; None until the section was opened."""
        return self._parts.work if self._parts else None

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
            packages = self._around.packages
            self.ui.missingLabel.text = _("Annotating needs Python packages. {faults} To download: {size}.").format(
                faults=packages.in_words(missing), size=packages.size_in_words(missing)
            )

    def _on_install(self, checked: bool = False) -> None:
        if self._around.installer.install(self._around.packages):
            self.open()


class _Parts:
    """The section's parts, once their packages are there."""

    def __init__(self, widget: Any, ui: Any, around: Surroundings) -> None:
        from OpportunisticBMDPanel.annotating.case_part import CasePart
        from OpportunisticBMDPanel.annotating.dataset_part import DatasetPart
        from OpportunisticBMDPanel.annotating.fit_part import FitPart

        widget.setMRMLScene(around.scene)
        self.dataset = DatasetPart(ui, around)
        self.work = CasePart(ui, around, self.dataset)
        self.fit = FitPart(ui, around, lambda: self.dataset.directory)
        self.dataset.changed.connect(self.fit.refresh)
        self.dataset.show()
        self.dataset.reopen_last()

    def cleanup(self) -> None:
        self.fit.cleanup()
        self.work.cleanup()
