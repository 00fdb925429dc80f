"""Questions to the person at the screen, as Slicer asks them."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer


class SlicerDialogs:
    """Message boxes over Slicer's window."""

    def confirm(self, text: str, title: str) -> bool:
        return bool(slicer.util.confirmOkCancelDisplay(text, windowTitle=title))

    def error(self, text: str) -> None:
        slicer.util.errorDisplay(text)

    def choose_folder(self, title: str) -> Path | None:
        path = qt.QFileDialog.getExistingDirectory(None, title)
        return Path(path) if path else None
