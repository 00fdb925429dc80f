# ruff: noqa: N802, N815 - Qt, CTK and Slicer chose these names
"""`slicer.app`, `slicer.modules` and `slicer.dicomDatabase`: only what the module may use."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from slicer_standins.pythonqt import in_pythonqt_manner


class Application:
    """Slicer 5.12 in testing mode: message boxes are logged and answered by themselves."""

    applicationName = "Slicer"
    majorVersion, minorVersion = 5, 12

    def __init__(self, scene: slicer.vtkMRMLScene, qt_application: QtWidgets.QApplication) -> None:
        self._scene, self._qt = scene, qt_application
        self._modules = _ModuleManager()
        self._on_startup: list[Callable[[], None]] = []

    def mrmlScene(self) -> slicer.vtkMRMLScene:
        return self._scene

    def connect(self, signature: str, slot: Callable[[], None]) -> None:
        if signature != "startupCompleted()":
            raise AttributeError(f"the application stand-in has no signal {signature}")
        self._on_startup.append(slot)

    def _start_up(self) -> None:
        """Tells once that all modules are loaded."""
        while self._on_startup:
            self._on_startup.pop(0)()

    def testingEnabled(self) -> bool:
        return True

    def processEvents(self) -> None:
        self._qt.processEvents()

    def userSettings(self) -> QtCore.QSettings:
        return in_pythonqt_manner(QtCore.QSettings)()

    def settings(self) -> QtCore.QSettings:
        return self.userSettings()

    documentationBaseUrl = "https://slicer.readthedocs.io/en/latest/"

    def moduleDocumentationUrl(self, module: str) -> str:
        return f"{self.documentationBaseUrl}user_guide/modules/{module.lower()}.html"

    def topLevelWidgets(self) -> list[QtWidgets.QWidget]:
        return self._qt.topLevelWidgets()

    def moduleManager(self) -> _ModuleManager:
        return self._modules

    def setOverrideCursor(self, cursor: object) -> None:
        self._qt.setOverrideCursor(cursor)

    def restoreOverrideCursor(self) -> None:
        self._qt.restoreOverrideCursor()

    def clipboard(self) -> object:
        return self._qt.clipboard()

    def palette(self) -> object:
        return self._qt.palette()

    def font(self) -> object:
        return self._qt.font()


class _ModuleManager:
    def __init__(self) -> None:
        self._slots: list[Callable[[str], None]] = []

    def connect(self, signature: str, slot: Callable[[str], None]) -> bool:
        self._require(signature)
        self._slots.append(slot)
        return True

    def disconnect(self, signature: str, slot: Callable[[str], None]) -> bool:
        self._require(signature)
        was_connected = slot in self._slots
        if was_connected:
            self._slots.remove(slot)
        return was_connected

    def _unload(self, module: str) -> None:
        """What the application does with every module before it ends."""
        for slot in list(self._slots):
            slot(module)

    def _require(self, signature: str) -> None:
        if signature != "moduleAboutToBeUnloaded(QString)":
            raise AttributeError(f"the module manager stand-in has no signal {signature}")


class Module:
    """A scripted module that the application has found."""

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path = name, path
        self._widget: Any = None

    def widgetRepresentation(self) -> Any:
        """The module's widget, made and set up when it is asked for first."""
        from slicer_standins.scripted_modules import ModuleWidget

        if self._widget is None:
            self._widget = ModuleWidget(self.path)
            self._widget.setup()
        return self._widget


class Modules:
    """`slicer.modules.<name in lower case>`, once `add` has been told where it is; of Slicer's own, those in use."""

    def __init__(self) -> None:
        terms = slicer.vtkSlicerTerminologiesModuleLogic()
        self.terminologies = SimpleNamespace(logic=lambda: terms)

    def add(self, name: str, path: str) -> Module:
        module = Module(name, path)
        setattr(self, name.lower(), module)
        return module


class DicomDatabase:
    """Values of DICOM files by instance UID: tests put in what they need."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, str]] = {}

    def add(self, uid: str, values: dict[str, str]) -> None:
        """Values by tag ("0018,0060")."""
        self._values[uid] = dict(values)

    def fileForInstance(self, uid: str) -> str:
        return f"{uid}.dcm" if uid in self._values else ""

    def fileValue(self, file: str, tag: str) -> str:
        return self._values.get(file.removesuffix(".dcm"), {}).get(tag.lower(), "")
