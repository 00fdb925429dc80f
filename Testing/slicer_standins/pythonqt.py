# ruff: noqa: N802 - Qt, CTK and Slicer chose these names
"""Qt's classes in PythonQt's manner.

PythonQt reads and writes Qt properties as attributes (`button.text = "Go"`), connects by the signal's C++ signature
(`button.connect("clicked(bool)", slot)`), calls an object's name `name`, and refuses attributes that Qt does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from PySide6 import QtCore, QtWidgets

# Qt asks for these through Python while it lays out, so that reading them as properties would never end.
METHODS_ALL_THE_SAME = frozenset({"sizeHint", "minimumSizeHint"})


class Loading:
    """Whether a .ui file is being loaded."""

    is_on = False


def _is_property(instance: QtCore.QObject, name: str) -> bool:
    if name.startswith("_") or name in METHODS_ALL_THE_SAME:
        return False
    return QtCore.QObject.metaObject(instance).indexOfProperty(name) >= 0


class PythonQt:
    """What PythonQt adds to a Qt class. A stand-in's own Python attributes begin with an underscore."""

    CPP_SIGNALS: dict[str, str] = {}  # noqa: RUF012 - C++ signature -> name, for signals that are defined in Python

    def __getattribute__(self, name: str) -> Any:
        if name == "name":
            name = "objectName"
        if _is_property(self, name):
            return QtCore.QObject.property(self, name)
        if name in REDIRECTED:  # PySide6 answers for these itself, whatever a subclass defines
            return partial(REDIRECTED[name], self)
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "name":
            name = "objectName"
        if name.startswith("_") or Loading.is_on:  # PySide6's loader hangs the children on their window
            super().__setattr__(name, value)
        elif not _is_property(self, name):
            raise AttributeError(f"{type(self).__name__} has no property {name!r}, and PythonQt lets none be made")
        elif not QtCore.QObject.setProperty(self, name, value):
            raise AttributeError(f"{type(self).__name__}.{name} does not take {value!r}")

    def className(self) -> str:
        return getattr(type(self), "_class_name", type(self).__name__)

    def _connect(self, signature: str, slot: Callable[..., object]) -> bool:
        self._signal(signature).connect(slot)
        return True

    def _disconnect(self, signature: str, slot: Callable[..., object]) -> bool:
        self._signal(signature).disconnect(slot)
        return True

    def _signal(self, signature: str) -> Any:
        normal = QtCore.QMetaObject.normalizedSignature(signature).data().decode()
        if normal in self.CPP_SIGNALS:
            return super().__getattribute__(self.CPP_SIGNALS[normal])
        if QtCore.QObject.metaObject(self).indexOfSignal(normal) < 0:
            raise AttributeError(f"{type(self).__name__} has no signal {signature!r}")
        name, arguments = normal.rstrip(")").split("(")
        signal = super().__getattribute__(name)
        try:
            return signal[arguments] if arguments else signal
        except (IndexError, KeyError):  # PySide6 names overloads by Python types
            return signal

    def findChildren(self, kind: type | str = QtCore.QObject, name: str | None = None) -> list[QtCore.QObject]:
        kind = self._plain(kind)
        found = super().findChildren(kind)
        return [child for child in found if not name or QtCore.QObject.objectName(child) == name]

    def delete(self) -> None:
        self.setParent(None)
        self.deleteLater()

    @staticmethod
    def _plain(kind: type | str) -> type:
        if isinstance(kind, str):
            return getattr(QtWidgets, kind)
        return getattr(kind, "_qt_class", kind)


REDIRECTED = {"connect": PythonQt._connect, "disconnect": PythonQt._disconnect}


@cache
def in_pythonqt_manner(qt_class: type) -> type:
    """A subclass of a QObject class that behaves as PythonQt's does."""
    namespace = {"_qt_class": qt_class, "_class_name": qt_class.__name__, "CPP_SIGNALS": {}}
    return type(qt_class.__name__, (PythonQt, qt_class), namespace)
