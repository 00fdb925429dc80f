"""The panel's keys: each clicks a button, as long as the reader is in the module and the button can be clicked.

Two shortcuts on one key are dead in Qt, and Slicer has many: `Testing/panel/test_shortcuts.py` lists those of 5.10 and
5.12, by the file of Slicer that shows them, and keeps these away from them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer

KEYS = {  # the button's name in the .ui file -> its key
    "computeButton": "Ctrl+Return",
    "cancelButton": "Ctrl+.",
    "undoButton": "Ctrl+U",
    "redoButton": "Ctrl+R",
    "previousVertebraButton": "Ctrl+Up",
    "nextVertebraButton": "Ctrl+Down",
    "nextButton": "Ctrl+Shift+N",  # the next case to annotate
}


def with_key(tool_tip: str, button: str) -> str:
    """A button's tooltip, with its key as this system writes it."""
    key = qt.QKeySequence(KEYS[button]).toString(qt.QKeySequence.NativeText)
    return f"{tool_tip} ({key})"


def show_keys(ui: Any) -> None:
    """Adds the keys to the tooltips that a .ui file gives its buttons."""
    for name in KEYS:
        button = getattr(ui, name, None)
        if button is not None and button.toolTip:
            button.toolTip = with_key(button.toolTip, name)


class Shortcuts:
    """The keys of `KEYS`, from `install` to `remove`.

    Args:
        panel: a button that is not seen in it, because it is hidden or its section closed, is not clicked.
        button: finds a button by its name; None where it is not there yet.
    """

    def __init__(self, panel: Any, button: Callable[[str], Any]) -> None:
        self._panel, self._button = panel, button
        self._shortcuts: list[Any] = []

    def install(self) -> None:
        """Listens to the keys in Slicer's main window; without one, there is nothing to listen to."""
        self.remove()
        window = slicer.util.mainWindow()
        if window is None:
            return
        for name, key in KEYS.items():
            shortcut = qt.QShortcut(window)
            shortcut.setKey(qt.QKeySequence(key))
            shortcut.connect("activated()", self._clicker(name))
            self._shortcuts.append(shortcut)

    def remove(self) -> None:
        """Leaves the keys to others."""
        for shortcut in self._shortcuts:
            shortcut.enabled = False
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []

    def _clicker(self, name: str) -> Callable[[], None]:
        def click() -> None:
            button = self._button(name)
            if button is not None and button.enabled and button.isVisibleTo(self._panel):
                button.click()

        return click
