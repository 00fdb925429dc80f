# ruff: noqa: N802 - Qt, CTK and Slicer chose these names
"""Loads .ui files with the stand-ins' widgets."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from PySide6 import QtCore, QtUiTools, QtWidgets

from slicer_standins import ctk_widgets, slicer_widgets
from slicer_standins.pythonqt import Loading, in_pythonqt_manner


class UiLoader(QtUiTools.QUiLoader):
    """Loads .ui files with the stand-ins' widgets; a class that has none is an error.

    Properties that the .ui file sets and the widget does not know would become dynamic ones without a word: they are
    an error, too, but for the one that Slicer looks for.
    """

    DYNAMIC = frozenset({"SlicerParameterName"})
    MARGINS = frozenset({"leftMargin", "topMargin", "rightMargin", "bottomMargin"})  # the loader's own, of layouts

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self.faults: list[str] = []
        self.made: list[QtCore.QObject] = []

    def createWidget(self, class_name: str, parent: QtWidgets.QWidget | None = None, name: str = "") -> Any:
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
        Loading.is_on = True
        try:
            widget = super().load(buffer, parent)
        finally:
            Loading.is_on = False
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
