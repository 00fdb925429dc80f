# ruff: noqa: N802 - Qt, CTK and Slicer chose these names
"""Qt's classes in PythonQt's manner.

PythonQt reads and writes Qt properties as attributes (`button.text = "Go"`), connects by the signal's C++ signature
(`button.connect("clicked(bool)", slot)`), calls an object's name `name`, takes no keyword arguments, and refuses
attributes that Qt does not know. The rules, and where PythonQt shows them, are in README.md.
"""

from __future__ import annotations

import enum
import itertools
import weakref
from collections.abc import Callable
from functools import cache, partial, wraps
from inspect import CO_VARARGS
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

# Qt asks for these through Python while it lays out, so that reading them as properties would never end.
METHODS_ALL_THE_SAME = frozenset({"sizeHint", "minimumSizeHint"})

_numbers = itertools.count()  # of connections
TAKE_A_VARIANT = frozenset({"setData", "setProperty", "setValue", "addItem"})
COPIED = frozenset(
    {
        *(QtCore.QPoint, QtCore.QPointF, QtCore.QRect, QtCore.QRectF, QtCore.QSize, QtCore.QSizeF),
        *(QtGui.QBrush, QtGui.QColor, QtGui.QFont, QtGui.QIcon, QtGui.QPalette, QtGui.QPen, QtGui.QPixmap),
    }
)


class Loading:
    """Whether a .ui file is being loaded."""

    is_on = False


class Call:
    """A method of Qt: it takes no keyword arguments, and the values that it gives are in PythonQt's manner, too."""

    __slots__ = ("_method",)

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        name = getattr(self._method, "__name__", str(self._method))
        _refuse(keywords, name)
        return _dressed(self._method(*(map(_undressed, arguments) if name in TAKE_A_VARIANT else arguments)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Call) and self._method == other._method

    def __hash__(self) -> int:
        return hash(self._method)


_being_read: set[tuple[int, str]] = set()


def _read(instance: QtCore.QObject, name: str) -> object:
    """A property. Where Qt's reader is virtual (`text` of a progress bar), PySide6 asks the object for it in turn."""
    _being_read.add((id(instance), name))
    try:
        return QtCore.QObject.property(instance, name)
    finally:
        _being_read.discard((id(instance), name))


class _QtClass(type(QtCore.QObject)):  # type: ignore[misc] - Shiboken's own metaclass
    """Also what is called on the class (`QFileDialog.getOpenFileName`) takes no keyword arguments."""

    def __getattribute__(cls, name: str) -> Any:
        value = super().__getattribute__(name)
        return Call(value) if type(value) is BuiltinFunctionType and not name.startswith("_") else value


class PythonQt(metaclass=_QtClass):
    """What PythonQt adds to a class of QObjects. A stand-in's own Python attributes begin with an underscore."""

    __slots__ = ()
    CPP_SIGNALS: dict[str, str] = {}  # noqa: RUF012 - C++ signature -> name, for signals that are defined in Python

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, function in list(vars(cls).items()):
            if isinstance(function, FunctionType) and (name == "__init__" or not name.startswith("_")):
                setattr(cls, name, _without_keywords(function))

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        _refuse(keywords, type(self).__name__)
        super().__init__(*arguments)

    def __getattribute__(self, name: str) -> Any:
        if name == "name":
            name = "objectName"
        if _is_property(self, name) and (id(self), name) not in _being_read:
            return _dressed(_read(self, name))
        if name in REDIRECTED:  # PySide6 answers for these itself, whatever a subclass defines
            return Call(partial(REDIRECTED[name], self))
        value = super().__getattribute__(name)
        return Call(value) if type(value) is BuiltinFunctionType and not name.startswith("_") else value

    def __setattr__(self, name: str, value: object) -> None:
        if name == "name":
            name = "objectName"
        if name.startswith("_") or Loading.is_on:  # PySide6's loader hangs the children on their window
            super().__setattr__(name, value)
        elif not _is_property(self, name):
            raise AttributeError(f"{type(self).__name__} has no property {name!r}, and PythonQt lets none be made")
        elif not QtCore.QObject.setProperty(self, name, _undressed(value)):
            raise AttributeError(f"{type(self).__name__}.{name} does not take {value!r}")

    def className(self) -> str:
        return getattr(type(self), "_class_name", type(self).__name__)

    def _connect(self, signature: str, slot: Callable[..., object]) -> bool:
        normal, number = _normal(signature), next(_numbers)
        called = partial(_called, weakref.ref(self), number)  # Qt's own reference would keep the slot's owner for ever
        self._signal(normal).connect(called)
        self._connections = {**getattr(self, "_connections", {}), number: (normal, slot, called)}
        return True

    def _disconnect(self, signature: str, slot: Callable[..., object]) -> bool:
        normal = _normal(signature)
        signal = self._signal(normal)
        for number, connection in getattr(self, "_connections", {}).items():
            if connection[:2] == (normal, slot):
                signal.disconnect(connection[2])
                del self._connections[number]
                return True
        return False

    def _signal(self, signature: str) -> Any:
        if signature in self.CPP_SIGNALS:
            return super().__getattribute__(self.CPP_SIGNALS[signature])
        if QtCore.QObject.metaObject(self).indexOfSignal(signature) < 0:
            raise AttributeError(f"{type(self).__name__} has no signal {signature!r}")
        name, arguments = signature.rstrip(")").split("(")
        signal = super().__getattribute__(name)
        try:
            return signal[arguments] if arguments else signal
        except (IndexError, KeyError):  # PySide6 names overloads by Python types
            return signal

    def findChildren(self, kind: type | str = QtCore.QObject, name: str | None = None) -> list[QtCore.QObject]:
        kind = getattr(QtWidgets, kind) if isinstance(kind, str) else getattr(kind, "_qt_class", kind)
        found = super().findChildren(kind)
        return [child for child in found if not name or QtCore.QObject.objectName(child) == name]

    def delete(self) -> None:
        self.setParent(None)
        self.deleteLater()


REDIRECTED = {"connect": PythonQt._connect, "disconnect": PythonQt._disconnect}


class Value(metaclass=_QtClass):
    """What PythonQt adds to a class of values (`QColor`, `QPainter`, `QTableWidgetItem`): it has methods only."""

    __slots__ = ()

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        _refuse(keywords, type(self).__name__)
        super().__init__(*arguments)

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return Call(value) if type(value) is BuiltinFunctionType and not name.startswith("_") else value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} has no property {name!r}, and PythonQt lets none be made")


@cache
def in_pythonqt_manner(qt_class: type) -> type:
    """A subclass of a class of Qt's that behaves as PythonQt's does; what is no class of Qt's as it is."""
    if not _is_value_or_object(qt_class):
        return qt_class
    if issubclass(qt_class, QtCore.QObject):
        namespace = {"_class_name": qt_class.__name__, "CPP_SIGNALS": {}}
        return _QtClass(qt_class.__name__, (PythonQt, qt_class), {"__slots__": (), "_qt_class": qt_class, **namespace})
    return _QtClass(qt_class.__name__, (Value, qt_class), {"__slots__": (), "_qt_class": qt_class})


def _dressed(value: Any) -> Any:
    """A value of Qt's in PythonQt's manner, a list as a tuple; what cannot be copied (a widget) as it is."""
    if isinstance(value, list):
        return tuple(value)
    return in_pythonqt_manner(type(value))(value) if type(value) in COPIED else value


def _undressed(value: Any) -> Any:
    """A value as PySide6 knows it: in a QVariant, it knows its own classes and lists only."""
    if isinstance(value, tuple):
        return list(value)
    return value.__copy__() if isinstance(value, Value) and value._qt_class in COPIED else value


@cache
def _is_value_or_object(kind: type) -> bool:
    if kind.__module__ == QtCore.__name__:  # its other values (QByteArray) are what Python reads as its own
        return issubclass(kind, QtCore.QObject) or kind in COPIED
    return kind.__module__ in (QtGui.__name__, QtWidgets.__name__) and not issubclass(kind, enum.Enum)


def _called(sender: weakref.ref[PythonQt], number: int, *arguments: Any) -> None:
    """Gives a function or method no more than it takes, and other callables all that the signature names."""
    if sender() is None:
        return
    signature, slot, _ = sender()._connections[number]
    count = len([part for part in signature[:-1].split("(")[1].split(",") if part])
    function = slot.__func__ if isinstance(slot, MethodType) else slot
    if isinstance(function, FunctionType) and not function.__code__.co_flags & CO_VARARGS:
        count = min(count, function.__code__.co_argcount - isinstance(slot, MethodType))
    slot(*map(_dressed, arguments[:count]))


def _normal(signature: str) -> str:
    return QtCore.QMetaObject.normalizedSignature(signature).data().decode()


def _is_property(instance: QtCore.QObject, name: str) -> bool:
    if name.startswith("_") or name in METHODS_ALL_THE_SAME:
        return False
    if name == "singleShot" and isinstance(instance, QtCore.QTimer):  # PythonQt keeps the name for the method
        return False
    return QtCore.QObject.metaObject(instance).indexOfProperty(name) >= 0


def _without_keywords(function: FunctionType) -> Callable[..., Any]:
    @wraps(function)
    def called(*arguments: Any, **keywords: Any) -> Any:
        _refuse(keywords, function.__qualname__)
        return function(*arguments)

    return called


def _refuse(keywords: dict[str, Any], name: str) -> None:
    if keywords:
        raise ValueError(f"Called {name} with keyword arguments, but it does not support kwargs.")
