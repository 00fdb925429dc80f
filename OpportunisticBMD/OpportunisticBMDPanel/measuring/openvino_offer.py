"""Offers OpenVINO in one line, where the CPU would compute faster with it; who declines is never asked again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from OpportunisticBMDPanel.settings.settings import GROUP, KeyValueStore, Settings
from OpportunisticBMDPanel.slicer import theme
from OpportunisticBMDPanel.slicer.installer import Installer
from OpportunisticBMDPanel.slicer.protocols import Packages

DECLINED = f"{GROUP}/openvino_declined"  # beside the settings: nothing that is measured depends on it


class OpenVINOOffer:
    """Shows the line while OpenVINO is all that is missing.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        needed: what measuring needs at all; while that is missing, nothing else is offered.
        faster: OpenVINO, and what it needs.
        store: remembers that the reader declined.
        on_installed: called once it is there.
    """

    def __init__(
        self,
        ui: Any,
        installer: Installer,
        needed: Packages,
        faster: Packages,
        store: KeyValueStore,
        on_installed: Callable[[], None],
    ) -> None:
        self._ui, self._installer, self._store = ui, installer, store
        self._needed, self._faster, self._on_installed = needed, faster, on_installed
        self._missing: list[str] = []
        installer.told.connect(self._on_told)
        ui.offerInstallButton.connect("clicked(bool)", self._on_install)
        ui.offerDeclineButton.connect("clicked(bool)", self._on_decline)
        self.look()

    def look(self) -> None:
        """Finds out what is installed, which may change whenever the reader is elsewhere."""
        is_open = self._store.value(DECLINED) is None and not self._needed.missing()
        self._missing = self._faster.missing() if is_open else []

    def show(self, settings: Settings, *, can_install: bool) -> None:
        """Shows or hides the line.

        Args:
            can_install: nothing runs, which the worker with the new engine would end.
        """
        ui = self._ui
        helps = settings.engine != "torch" and settings.device != "cuda"
        ui.offerFrame.visible = bool(self._missing) and helps
        ui.offerInstallButton.enabled = can_install
        if self._missing:
            size = self._faster.size_in_words(self._missing)
            ui.offerLabel.text = _("Compute faster: install OpenVINO ({size})").format(size=size)
        ui.offerLabel.styleSheet = f"color: {theme.muted()};"

    def _on_told(self, words: str) -> None:
        if not words:  # an installation has ended
            self.look()

    def _on_install(self, checked: bool = False) -> None:
        if self._installer.install(self._faster):
            self._on_installed()

    def _on_decline(self, checked: bool = False) -> None:
        self._store.setValue(DECLINED, "true")
        self._missing = []
        self._ui.offerFrame.visible = False
