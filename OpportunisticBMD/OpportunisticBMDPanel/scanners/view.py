"""The scanners in the settings section: how many were measured, and the ways to more."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from OpportunisticBMDLib.calibration.phantoms import PHANTOMS
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDPanel.logic import PanelLogic
from OpportunisticBMDPanel.session import Session
from OpportunisticBMDPanel.slicer.protocols import Dialogs

PROPOSED = "scanners.json"


class ScannersView:
    """Joins the widgets to the registry.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        session: of the chosen volume; None without one.
        has_packages: whether a line can be measured, asking the reader to install what is missing.
    """

    def __init__(
        self,
        ui: Any,
        logic: PanelLogic,
        dialogs: Dialogs,
        *,
        session: Callable[[], Session | None],
        has_packages: Callable[[], bool],
    ) -> None:
        self._ui, self._logic, self._dialogs = ui, logic, dialogs
        self._session, self._has_packages = session, has_packages
        self._note = ""
        ui.measurePhantomButton.connect("clicked(bool)", self._on_measure)
        ui.importLinesButton.connect("clicked(bool)", self._on_import)
        ui.exportLinesButton.connect("clicked(bool)", self._on_export)
        ui.settingsSection.connect("contentsCollapsed(bool)", self._on_collapsed)

    def show(self) -> None:
        """Looks into the registry, if the section is open."""
        ui = self._ui
        if ui.settingsSection.collapsed:
            return
        session = self._session()
        ui.measurePhantomButton.enabled = session is not None
        scan = self._scan(session)
        try:
            text, ui.exportLinesButton.enabled = self._known(scan)
        except (ImportError, BadInput, OSError) as error:
            text, ui.exportLinesButton.enabled = str(error), False
        ui.scannersLabel.text = "\n".join(part for part in (text, self._note) if part)

    def _known(self, scan: Acquisition | None) -> tuple[str, bool]:
        """In words, and whether there are any."""
        from OpportunisticBMDLib.results.line_words import day_in_words
        from OpportunisticBMDPanel.scanners.known import known_scanners

        known = known_scanners(scan)
        if not known.scanners:
            return _("No scanner was measured yet."), False
        text = _("One scanner was measured.") if known.scanners == 1 else _("{count} scanners were measured.")
        words = [text.format(count=known.scanners)]
        if known.measured_on:
            words.append(_("This CT's on {day}.").format(day=day_in_words(known.measured_on)))
        elif known.measured_on is not None:
            words.append(_("This CT's is one of them."))
        elif scan is not None:
            words.append(_("There is no line for this CT."))
        return " ".join(words), True

    def _scan(self, session: Session | None) -> Acquisition | None:
        """How the chosen volume was scanned; None also where it is no CT, or not loaded yet."""
        with suppress(BadInput):
            return self._logic.ct(session).acquisition if session is not None else None
        return None

    def _on_collapsed(self, *_collapsed: object) -> None:
        self._note = ""
        self.show()

    def _on_measure(self, *_checked: object) -> None:
        chosen = self._dialogs.choose(
            _("Measure a phantom"),
            _("The chosen volume is the scan of:"),
            [phantom.name for phantom in PHANTOMS.values()],
        )
        if chosen is not None and self._has_packages():
            self._do(lambda: self._measured(list(PHANTOMS)[chosen]))

    def _measured(self, phantom: str) -> str:
        from OpportunisticBMDPanel.scanners.known import measure_phantom

        session = self._session()
        if session is None:
            return ""
        found = measure_phantom(self._logic.ct(session), phantom, _("Looking for the phantom..."))
        if found is None:
            return ""
        self._logic.measure_all_again()
        return _("Measured: {slope:.3f} HU per mg/cm³, {water:+.1f} HU at water.").format(
            slope=found.line.slope_hu_per_mg_cm3, water=found.line.intercept_hu
        )

    def _on_import(self, *_checked: object) -> None:
        path = self._dialogs.choose_file(_("Lines of scanners"), _("Lines of scanners (*.json)"))
        if path is not None:
            self._do(lambda: self._imported(path))

    def _imported(self, path: Path) -> str:
        from OpportunisticBMDPanel.scanners.known import import_lines

        new, known = import_lines(path)
        if new:
            self._logic.measure_all_again()
        return _("Lines added: {new}, known before: {known}.").format(new=new, known=known)

    def _on_export(self, *_checked: object) -> None:
        path = self._dialogs.name_file(_("File for the lines of all scanners"), PROPOSED)
        if path is not None:
            self._do(lambda: self._exported(path))

    def _exported(self, path: Path) -> str:
        from OpportunisticBMDPanel.scanners.known import export_lines

        return _("Lines written: {count}.").format(count=export_lines(path))

    def _do(self, work: Callable[[], str]) -> None:
        """Shows what came of it, or why nothing did."""
        try:
            self._note = work()
        except (BadInput, OSError) as error:
            self._dialogs.error(str(error))
        self.show()
