# ruff: noqa: N802, N803, N815 - Qt, CTK and Slicer chose these names
"""`slicer.parameterNodeWrapper`: typed parameters in a MRML node, joined to widgets by `SlicerParameterName`.

Knows nodes, bool, int, float and str; check boxes, collapsible buttons, node and combo boxes.
"""

from __future__ import annotations

import typing
from collections.abc import Callable

import ctk
import qt
import slicer
import vtk

READERS = {"bool": lambda text: text == "True", "int": int, "float": float, "str": str}


def parameterNodeWrapper(classtype: type) -> type:
    """Class decorator: the annotated names become properties that live in a parameter node."""
    kinds = typing.get_type_hints(classtype)
    defaults = {name: getattr(classtype, name, _default(kind)) for name, kind in kinds.items()}
    members = {name: _parameter(name, kind, defaults[name]) for name, kind in kinds.items()}
    return type(classtype.__name__, (_Wrapper, classtype), {**members, "allParameters": kinds})


def _default(kind: type) -> object:
    return None if _is_node(kind) else kind()


def _is_node(kind: type) -> bool:
    return issubclass(kind, slicer.vtkMRMLNode)


def _parameter(name: str, kind: type, default: object) -> property:
    if not _is_node(kind) and kind.__name__ not in READERS:
        raise TypeError(f"the stand-in for parameterNodeWrapper does not know {kind} ({name})")

    def read(self: _Wrapper) -> object:
        if _is_node(kind):
            return self.parameterNode.GetNodeReference(name)
        text = self.parameterNode.GetParameter(name)
        return READERS[kind.__name__](text) if text else default

    def write(self: _Wrapper, value: object) -> None:
        if _is_node(kind):
            if value is not None and not isinstance(value, kind):
                raise TypeError(f"{name} takes a {kind.__name__}, not a {type(value).__name__}")
            self.parameterNode.SetNodeReferenceID(name, value.GetID() if value is not None else None)
        elif type(value) is not kind:
            raise TypeError(f"{name} takes a {kind.__name__}, not {value!r}")
        else:
            self.parameterNode.SetParameter(name, str(value))

    return property(read, write)


class _Wrapper:
    allParameters: typing.ClassVar[dict[str, type]] = {}

    def __init__(self, parameterNode: slicer.vtkMRMLScriptedModuleNode) -> None:
        self.parameterNode = parameterNode
        self._guis: dict[int, tuple[dict[str, object], int]] = {}
        self._writing = False

    def connectGui(self, gui: object) -> int:
        """Joins the widgets that name a parameter to it, in both directions."""
        widgets = {}
        for widget in vars(gui).values():
            name = widget.property("SlicerParameterName")
            if name is None:
                continue
            if name not in self.allParameters:
                raise ValueError(f"{widget.objectName} names the parameter {name!r}, which does not exist")
            widgets[name] = widget
        for name, widget in widgets.items():
            signature, read, _ = _joint(widget)
            widget.connect(signature, self._hearer(name, widget, read))
        tag = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: self._show(widgets))
        self._guis[tag] = (widgets, tag)
        self._show(widgets)
        return tag

    def disconnectGui(self, tag: int) -> None:
        widgets, observer = self._guis.pop(tag)
        self.parameterNode.RemoveObserver(observer)
        widgets.clear()  # the hearers look here whether they are still meant

    def AddObserver(self, event: object, callback: Callable[..., None], priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def _hearer(self, name: str, widget: object, read: Callable[[], object]) -> Callable[..., None]:
        def hear(*_: object) -> None:
            if not self._writing and any(name in widgets for widgets, _ in self._guis.values()):
                setattr(self, name, read())

        return hear

    def _show(self, widgets: dict[str, object]) -> None:
        if self._writing:
            return
        self._writing = True
        try:
            for name, widget in widgets.items():
                _joint(widget)[2](getattr(self, name))
        finally:
            self._writing = False


def _joint(widget: object) -> tuple[str, Callable[[], object], Callable[[object], None]]:
    """Signal, reader and writer of a widget."""

    def writer(name: str) -> Callable[[object], None]:
        return lambda value: setattr(widget, name, value)

    if isinstance(widget, slicer.qMRMLNodeComboBox):
        return "currentNodeChanged(vtkMRMLNode*)", widget.currentNode, widget.setCurrentNode
    if isinstance(widget, ctk.ctkCollapsibleButton):
        return "contentsCollapsed(bool)", lambda: widget.collapsed, writer("collapsed")
    if isinstance(widget, qt.QCheckBox | qt.QPushButton):
        return "toggled(bool)", lambda: widget.checked, writer("checked")
    if isinstance(widget, qt.QComboBox):
        return "currentTextChanged(QString)", lambda: widget.currentText, writer("currentText")
    if isinstance(widget, qt.QDoubleSpinBox):
        return "valueChanged(double)", lambda: widget.value, writer("value")
    raise TypeError(f"the stand-in for parameterNodeWrapper knows no {type(widget).__name__}")
