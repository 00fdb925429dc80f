# ruff: noqa: N802, N815 - Qt, CTK and Slicer chose these names
"""`slicer.app`, `slicer.modules` and `slicer.dicomDatabase`: only what the module may use."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
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
    """Which file holds which instance, and what the files say: real files, or values that tests put in."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="dicom-"))
        self._files: dict[str, str] = {}
        self._values: dict[str, dict[str, str]] = {}
        self._shown: set[str] = set()

    def add(self, uid: str, values: dict[str, str]) -> None:
        """A file that is not there, by the values of its tags ("0018,0060")."""
        self._files[uid] = f"{uid}.dcm"
        self._values[self._files[uid]] = dict(values)

    def insert(self, file: str, is_copied: bool = True) -> None:
        """A real file; says nothing where it cannot be read."""
        if not isinstance(file, str):
            raise ValueError(f"insert takes a QString, not {type(file).__name__}")
        uid = _values_of(file).get("0008,0018")
        if uid is not None and uid not in self._files:
            self._files[uid] = shutil.copy(file, self._folder / f"{uid}.dcm") if is_copied else file

    def updateDisplayedFields(self) -> None:
        """The DICOM module shows what was inserted."""
        self._shown = set(self._files)

    def imagesCount(self) -> int:
        return len(self._files)

    def fileForInstance(self, uid: str) -> str:
        return str(self._files.get(uid, ""))

    def fileValue(self, file: str, tag: str) -> str:
        if file not in self._values:
            self._values[file] = _values_of(file)
        return self._values.get(file, {}).get(tag.lower(), "")


def _values_of(file: str) -> dict[str, str]:
    """Of a real file by tag, several as DICOM writes them; empty where there is none."""
    import pydicom

    try:
        elements = pydicom.dcmread(file, stop_before_pixels=True)
    except (OSError, pydicom.errors.InvalidDicomError):
        return {}
    values = {each.tag: each.value if each.VM > 1 else [each.value] for each in elements}
    return {f"{tag.group:04x},{tag.elem:04x}": "\\".join(map(str, value)) for tag, value in values.items()}
