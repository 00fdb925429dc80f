"""Which packages are being installed, in one line; meanwhile nothing can be clicked that would need them."""

from __future__ import annotations

from typing import Any

from OpportunisticBMDPanel.slicer import theme
from OpportunisticBMDPanel.slicer.installer import Installer


class InstallingView:
    """Shows what the installer tells.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        panel: all of them.
    """

    def __init__(self, ui: Any, panel: Any, installer: Installer) -> None:
        self._ui, self._panel = ui, panel
        installer.told.connect(self._show)

    def _show(self, words: str) -> None:
        label = self._ui.installingLabel
        label.text, label.visible = words, bool(words)
        label.styleSheet = f"color: {theme.ink()};"  # not grey as all that cannot be clicked
        self._panel.enabled = not words
