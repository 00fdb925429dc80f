"""Questions to the person at the screen, as Slicer asks them."""

from __future__ import annotations

from collections.abc import Sequence
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

    def choose_file(self, title: str, pattern: str) -> Path | None:
        """One that is there; the pattern is Qt's, e.g. "Lines of scanners (*.json)"."""
        path = qt.QFileDialog.getOpenFileName(None, title, "", pattern)
        return Path(path) if path else None

    def name_file(self, title: str, proposed: str) -> Path | None:
        """One to write to."""
        path = qt.QFileDialog.getSaveFileName(None, title, proposed)
        return Path(path) if path else None

    def choose(self, title: str, text: str, choices: Sequence[str]) -> int | None:
        """Which of these."""
        chosen = qt.QInputDialog.getItem(None, title, text, list(choices), 0, False)
        return choices.index(chosen) if chosen in choices else None
