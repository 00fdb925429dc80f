"""The `qt` module: PySide6's classes in PythonQt's manner."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from slicer_standins.pythonqt import in_pythonqt_manner
from slicer_standins.ui_loader import UiLoader


class QtModule(ModuleType):
    """Qt's classes by name, made when they are asked for."""

    QUiLoader = UiLoader

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("Q"):  # PySide6's own: Signal, Slot, Property
            raise AttributeError(f"Qt has no {name}")
        for source in (QtCore, QtGui, QtWidgets):
            value = getattr(source, name, None)
            if value is not None:
                break
        else:
            raise AttributeError(f"Qt has no {name}")
        if isinstance(value, type):
            value = in_pythonqt_manner(value)
        setattr(self, name, value)
        return value
