# ruff: noqa: N802 - Qt, CTK and Slicer chose these names
"""The `qt` module: PySide6's classes in PythonQt's manner.

PythonQt reads and writes Qt properties as attributes (`button.text = "Go"`), connects by the signal's C++ signature
(`button.connect("clicked(bool)", slot)`), calls an object's name `name`, and refuses attributes that Qt does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

# Qt asks for these through Python while it lays out, so that reading them as properties would never end.
METHODS_ALL_THE_SAME = frozenset({"sizeHint", "minimumSizeHint"})


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
        if name.startswith("_") or UiLoader.is_loading:  # PySide6's loader hangs the children on their window
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


class UiLoader(QtUiTools.QUiLoader):
    """Loads .ui files with the stand-ins' widgets; a class that has none is an error.

    Properties that the .ui file sets and the widget does not know would become dynamic ones without a word: they are
    an error, too, but for the one that Slicer looks for.
    """

    DYNAMIC = frozenset({"SlicerParameterName"})
    MARGINS = frozenset({"leftMargin", "topMargin", "rightMargin", "bottomMargin"})  # the loader's own, of layouts
    is_loading = False

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self.faults: list[str] = []
        self.made: list[QtCore.QObject] = []

    def createWidget(self, class_name: str, parent: QtWidgets.QWidget | None = None, name: str = "") -> Any:
        from slicer_standins import ctk_widgets, slicer_widgets

        custom = {**ctk_widgets.WIDGETS, **slicer_widgets.WIDGETS}
        if class_name in custom:
            widget = custom[class_name](parent)
        elif isinstance(getattr(QtWidgets, class_name, None), type):
            widget = in_pythonqt_manner(getattr(QtWidgets, class_name))(parent)
        else:
            self.faults.append(f"no widget of class {class_name}")
            return None
        widget.setObjectName(name)
        self.made.append(widget)
        return widget

    def createLayout(self, class_name: str, parent: QtCore.QObject | None = None, name: str = "") -> Any:
        layout = in_pythonqt_manner(getattr(QtWidgets, class_name))()
        if isinstance(parent, QtWidgets.QWidget) and QtWidgets.QWidget.layout(parent) is None:
            parent.setLayout(layout)
        layout.setObjectName(name)
        self.made.append(layout)
        return layout

    def load(self, file: QtCore.QFile, parent: QtWidgets.QWidget | None = None) -> Any:
        document = ElementTree.fromstring(bytes(file.readAll()))
        connections = document.find("connections")
        if connections is not None:  # of signals that Qt does not know here: made in Python below
            document.remove(connections)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(document))
        UiLoader.is_loading = True
        try:
            widget = super().load(buffer, parent)
        finally:
            UiLoader.is_loading = False
        for child in self.made:
            unknown = {bytes(name).decode() for name in child.dynamicPropertyNames()} - self.DYNAMIC
            unknown -= self.MARGINS if isinstance(child, QtWidgets.QLayout) else set()
            unknown = {name for name in unknown if not name.startswith("_q_")}
            if unknown:
                name = QtCore.QObject.objectName(child)
                self.faults.append(f"{type(child).__name__} {name!r} has no property {', '.join(sorted(unknown))}")
        if self.faults:
            raise RuntimeError(f"{file.fileName()}: {'; '.join(self.faults)}")
        for connection in [] if connections is None else connections:
            self._join(**{part.tag: part.text for part in connection})
        return widget

    def _join(self, sender: str, signal: str, receiver: str, slot: str, **_: object) -> None:
        objects = {QtCore.QObject.objectName(child): child for child in self.made}
        objects[sender].connect(signal, getattr(objects[receiver], slot.split("(")[0]))


class QtModule(ModuleType):
    """Qt's classes by name, made when they are asked for."""

    QUiLoader = UiLoader

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for source in (QtCore, QtGui, QtWidgets):
            value = getattr(source, name, None)
            if value is not None:
                break
        else:
            raise AttributeError(f"Qt has no {name}")
        if isinstance(value, type) and issubclass(value, QtCore.QObject):
            value = in_pythonqt_manner(value)
        setattr(self, name, value)
        return value
