# ruff: noqa: N802, N803 - Qt, CTK and Slicer chose these names
"""`slicer.parameterNodeWrapper`: typed parameters in a MRML node, joined to widgets by `SlicerParameterName`.

Knows nodes, bool, int, float and str; check boxes, push buttons, spin boxes, line edits and node combo boxes. The
rules, and where Slicer shows them, are in README.md.
"""

from __future__ import annotations

import typing
import weakref
from collections.abc import Callable
from typing import Any

import qt
import slicer
import vtk

# How each type is read from the node's text; a float may be given as an int.
READERS: dict[type, Callable[[str], Any]] = {bool: lambda text: text == "True", int: int, float: float, str: str}
TAKEN: dict[type, tuple[type, ...]] = {float: (float, int)}


def parameterNodeWrapper(classtype: type) -> type:
    """Class decorator: the annotated names become properties that live in a parameter node; the class stays itself.

    Raises:
        Exception: a type that no parameter can have.
        ValueError: the class has a name that the wrapper needs.
    """
    kinds = typing.get_type_hints(classtype, include_extras=True)
    for name, kind in kinds.items():
        if not _is_node(kind) and kind not in READERS:
            raise Exception(f"Unable to create serializer for {classtype} member {name}")
    defaults = {name: getattr(classtype, name, _default(kind)) for name, kind in kinds.items()}
    for name, kind in kinds.items():
        setattr(classtype, name, _parameter(name, kind))
    members = {name: member for name, member in vars(_Wrapper).items() if not name.startswith("__")}
    for name, member in {**members, "allParameters": kinds, "_defaults": defaults}.items():
        if hasattr(classtype, name):
            raise ValueError(f"Cannot use reserved name {name!r} in a parameterNodeWrapper")
        setattr(classtype, name, member)
    classtype.__init__ = _Wrapper.__init__  # type: ignore[misc]
    return classtype


def _default(kind: type) -> Any:
    return None if _is_node(kind) else kind()


def _is_node(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)


def _parameter(name: str, kind: type) -> property:
    def read(self: Any) -> Any:
        return self._values[name]

    def write(self: Any, value: Any) -> None:
        if value is None and not _is_node(kind):
            raise ValueError(f"{name}: Value must not be None")
        if value is not None and not isinstance(value, TAKEN.get(kind, kind)):
            raise TypeError(f"{name}: Value must be of type {kind.__name__!r}, is {value!r}")
        with slicer.util.NodeModify(self.parameterNode):
            self.parameterNode.SetParameter(name, "" if _is_node(kind) else str(value))
            if _is_node(kind):
                self.parameterNode.SetNodeReferenceID(name, None if value is None else value.GetID())
            self._keep(name)

    return property(read, write)


class _Wrapper:
    """What the decorator gives to a class."""

    def __init__(self, parameterNode: slicer.vtkMRMLScriptedModuleNode) -> None:
        self.parameterNode = parameterNode
        self._guis: dict[int, dict[str, Joint]] = {}
        self._next_gui, self._is_showing = 0, False
        self._values: dict[str, Any] = {}  # as they were when the node last said that it was modified
        for name, default in self._defaults.items():
            if not parameterNode.HasParameter(name):
                setattr(self, name, default)
            self._keep(name)
        wrapper = weakref.ref(self)
        tag = parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: wrapper()._keep_all())
        weakref.finalize(self, parameterNode.RemoveObserver, tag)

    def getValue(self, name: str) -> Any:
        self._require(name)
        return getattr(self, name)

    def setValue(self, name: str, value: Any) -> None:
        self._require(name)
        setattr(self, name, value)

    def connectGui(self, gui: Any) -> int:
        """Joins widgets and the parameters that they name, both ways: a widget's children, or `gui`'s attributes."""
        is_widget = getattr(gui, "isWidgetType", lambda: False)()
        widgets = gui.findChildren(qt.QWidget) if is_widget else list(vars(gui).values())
        named = [(widget.property("SlicerParameterName"), widget) for widget in widgets]
        return self.connectParametersToGui({name: widget for name, widget in named if name})

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        for name in mapping:
            self._require(name)
        joints = {name: joint(widget, self.allParameters[name]) for name, widget in mapping.items()}
        tag, self._next_gui = self._next_gui, self._next_gui + 1
        self._guis[tag] = joints
        for name, joined in joints.items():
            joined.write(getattr(self, name))
            joined.hear(self._hearer(name, joined))
        self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: self._show())
        return tag

    def disconnectGui(self, guiTag: int) -> None:
        """Lets the widgets go; the observer stays, as in Slicer 5.10."""
        for joined in self._guis.pop(guiTag, {}).values():
            joined.hear(None)

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified: int) -> int:
        return self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event: Any, callback: Callable[..., None], priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()

    def _keep_all(self) -> None:
        for name in self.allParameters:
            self._keep(name)

    def _keep(self, name: str) -> None:
        kind = self.allParameters[name]
        if _is_node(kind):
            self._values[name] = self.parameterNode.GetNodeReference(name)
        else:
            self._values[name] = READERS[kind](self.parameterNode.GetParameter(name))

    def _require(self, name: str) -> None:
        if name not in self.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}")

    def _hearer(self, name: str, joined: Joint) -> Callable[[], None]:
        def hear() -> None:
            if not self._is_showing:
                setattr(self, name, joined.read())

        return hear

    def _show(self) -> None:
        if self._is_showing:
            return
        self._is_showing = True
        try:
            for joints in list(self._guis.values()):
                for name, joined in joints.items():
                    joined.write(getattr(self, name))
        finally:
            self._is_showing = False


class Joint:
    """A widget as a parameter sees it.

    Args:
        name: of the property that is the value; None for a node combo box.
    """

    def __init__(self, widget: Any, signature: str, name: str | None) -> None:
        self._widget, self._signature, self._name = widget, signature, name
        self._slot: Callable[[], None] | None = None

    def read(self) -> Any:
        return self._widget.currentNode() if self._name is None else getattr(self._widget, self._name)

    def write(self, value: Any) -> None:
        if self._name is None:
            self._widget.setCurrentNode(value)
        else:
            setattr(self._widget, self._name, value)

    def hear(self, slot: Callable[[], None] | None) -> None:
        """Calls this whenever the value changes; None: nobody any more."""
        if self._slot is not None:
            self._widget.disconnect(self._signature, self._slot)
        self._slot = slot
        if slot is not None:
            self._widget.connect(self._signature, slot)


def joint(widget: Any, kind: type) -> Joint:
    """The joint of a widget of exactly such a class and a parameter of such a type.

    Raises:
        RuntimeError: Slicer knows none.
    """
    match type(widget):
        case slicer.qMRMLNodeComboBox if _is_node(kind):
            widget.nodeTypes = [kind().GetClassName()]
            return Joint(widget, "currentNodeChanged(vtkMRMLNode*)", None)
        case qt.QCheckBox if kind is bool:
            return Joint(widget, "stateChanged(int)", "checked")
        case qt.QPushButton if kind is bool:
            widget.checkable = True
            return Joint(widget, "toggled(bool)", "checked")
        case qt.QDoubleSpinBox if kind in (float, int):
            widget.minimum, widget.maximum = float("-inf"), float("inf")
            return Joint(widget, "valueChanged(double)", "value")
        case qt.QLineEdit if kind is str:
            return Joint(widget, "textChanged(QString)", "text")
    raise RuntimeError(f"Unable to create GUI connector from datatype {kind} to widget type {type(widget)}.")
