# ruff: noqa: N802, N815 - Qt, CTK and Slicer chose these names
"""`slicer.app`, `slicer.modules` and `slicer.dicomDatabase`: only what the module may use."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

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

    def testingEnabled(self) -> bool:
        return True

    def processEvents(self) -> None:
        self._qt.processEvents()

    def userSettings(self) -> QtCore.QSettings:
        return in_pythonqt_manner(QtCore.QSettings)()

    def settings(self) -> QtCore.QSettings:
        return self.userSettings()

    def moduleManager(self) -> _ModuleManager:
        return self._modules

    def setOverrideCursor(self, cursor: object) -> None:
        self._qt.setOverrideCursor(cursor)

    def restoreOverrideCursor(self) -> None:
        self._qt.restoreOverrideCursor()

    def palette(self) -> object:
        return self._qt.palette()


class _ModuleManager:
    def connect(self, signature: str, slot: object) -> None:
        if signature != "moduleAboutToBeUnloaded(QString)":
            raise AttributeError(f"the module manager stand-in has no signal {signature}")


class Modules:
    """`slicer.modules.<name in lower case>`, once `add` has been told where it is."""

    def add(self, name: str, path: str) -> SimpleNamespace:
        module = SimpleNamespace(name=name, path=path)
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
