# ruff: noqa: N802, N803, N815 - Qt, CTK and Slicer chose these names
"""`slicer.ScriptedLoadableModule`: the base classes of a scripted module's parts, and what the application has of them.

The rules, and where Slicer shows them, are in README.md.
"""

from __future__ import annotations

import importlib
import logging
import os
import unittest
from pathlib import Path
from typing import Any

import qt
import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from slicer_standins.pythonqt import PythonQt


class ModuleParent(PythonQt, QtCore.QObject):
    """What a module's class gets as `parent`: the application's own record of the module."""

    _qt_class = QtCore.QObject

    def __init__(self, path: str) -> None:
        super().__init__()
        self._values: dict[str, Any] = {"name": Path(path).stem, "path": path}

    def _value(name: str, kind: type | str, *, writable: bool = True) -> QtCore.Property:  # noqa: N805
        def read(self: ModuleParent) -> Any:
            return self._values.get(name, [] if kind == "QStringList" else kind())

        def write(self: ModuleParent, value: Any) -> None:
            self._values[name] = list(value) if kind == "QStringList" else value

        return QtCore.Property(kind, read, write if writable else None)

    name = _value("name", str, writable=False)
    path = _value("path", str, writable=False)
    title = _value("title", str)
    helpText = _value("helpText", str)
    acknowledgementText = _value("acknowledgementText", str)
    categories = _value("categories", "QStringList")
    dependencies = _value("dependencies", "QStringList")
    contributors = _value("contributors", "QStringList")
    associatedNodeTypes = _value("associatedNodeTypes", "QStringList")
    icon = _value("icon", QtGui.QIcon)
    hidden = _value("hidden", bool)
    index = _value("index", int)


class ModuleWidget(PythonQt, QtWidgets.QWidget):
    """What a module's widget gets as `parent`: it stays on the screen when the Python part is reloaded.

    The methods that it calls are looked up once, when the Python part is made; an error in one of them is raised here,
    where the application prints it.
    """

    _qt_class = QtWidgets.QWidget

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path, self._is_entered = path, False
        self.setLayout(qt.QVBoxLayout())
        self._make()

    def setup(self) -> None:
        self._call("setup")

    def enter(self) -> None:
        assert not self._is_entered
        self._is_entered = True
        self._call("enter")

    def exit(self) -> None:
        assert self._is_entered
        self._is_entered = False
        self._call("exit")

    def reload(self) -> None:
        """Makes the Python part anew from what is in `sys.modules`, and sets it up. It is not entered."""
        self._make()
        self.setup()

    def _make(self) -> None:
        name = Path(self._path).stem
        kind = getattr(importlib.import_module(name), f"{name}Widget")
        self._python = kind(self)
        self._methods = {method: getattr(self._python, method, None) for method in ("setup", "enter", "exit")}
        setattr(slicer.modules, kind.__name__, self._python)

    def _call(self, method: str) -> None:
        if self._methods[method] is not None:
            self._methods[method]()

    isEntered = QtCore.Property(bool, lambda self: self._is_entered)


class ScriptedLoadableModule:
    def __init__(self, parent: ModuleParent) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title, parent.helpText, parent.acknowledgementText = "", "not updated yet", "not updated yet"
        parent.categories, parent.dependencies, parent.contributors = [], [], ["Slicer's own"]
        for ending in (".svg", ".png"):
            icon = self.resourcePath(f"Icons/{self.moduleName}{ending}")
            if os.path.isfile(icon):
                parent.icon = qt.QIcon(icon)
                break
        if not hasattr(slicer, "selfTests"):
            slicer.selfTests = {}
        slicer.selfTests[self.moduleName] = self.runTest

    def resourcePath(self, filename: str) -> str:
        return os.path.join(os.path.dirname(self.parent.path), "Resources", filename)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        url = (
            slicer.app.documentationBaseUrl + docPage if docPage else slicer.app.moduleDocumentationUrl(self.moduleName)
        )
        return f'<p>For more information, see the <a href="{url}">online documentation</a>.</p>'

    def runTest(self, msec: int = 100, **kwargs: Any) -> None:
        test = getattr(importlib.import_module(self.__module__), f"{self.moduleName}Test")()
        test.messageDelay = msec
        test.runTest(**kwargs)


class ScriptedLoadableModuleWidget:
    def __init__(self, parent: object = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = slicer.util.settingsValue("Developer/DeveloperMode", False, converter=slicer.util.toBool)
        self.parent = parent
        if parent is None:
            self.parent = slicer.qMRMLWidget()
            self.parent.setLayout(qt.QVBoxLayout())
            self.parent.setMRMLScene(slicer.mrmlScene)
        self.layout = self.parent.layout()
        if parent is None:
            self.setup()
            self.parent.show()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename: str) -> str:
        return os.path.join(os.path.dirname(slicer.util.modulePath(self.moduleName)), "Resources", filename)

    def setup(self) -> None:
        """Slicer makes its developer's section here."""

    def cleanup(self) -> None:
        """For the module to override."""

    def onReload(self) -> None:
        slicer.util.reloadScriptedModule(self.moduleName)

    def onTest(self, **kwargs: Any) -> None:
        with slicer.util.tryWithErrorDisplay("Test failed."):
            slicer.selfTests[self.moduleName](msec=100, **kwargs)

    def onReloadAndTest(self, **kwargs: Any) -> None:
        with slicer.util.tryWithErrorDisplay("Reload and Test failed."):
            self.onReload()
            slicer.selfTests[self.moduleName](msec=100, **kwargs)

    def _onModuleAboutToBeUnloaded(self, moduleName: str) -> None:
        if moduleName == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)


class ScriptedLoadableModuleLogic:
    def __init__(self, parent: object = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> slicer.vtkMRMLScriptedModuleNode:
        """The singleton of this name, or else the first node that has the module's name as its attribute."""
        if self.isSingletonParameterNode:
            node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            if node is not None:
                node.SetAttribute("ModuleName", self.moduleName)
                return node
        elif self.getAllParameterNodes():
            return self.getAllParameterNodes()[0]
        return slicer.mrmlScene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self) -> list[slicer.vtkMRMLScriptedModuleNode]:
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> slicer.vtkMRMLScriptedModuleNode:
        """A node that is in no scene yet."""
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.moduleTestNames = [name for name in dir(self) if "test" in name and callable(getattr(self, name))]

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        given = next((delay for delay in (msec, requestedDelay) if delay is not None), 100)
        slicer.util.delayDisplay(message, getattr(self, "messageDelay", given))

    def runTest(self) -> None:
        """All methods with "test" in their names; what one raises, SkipTest too, goes to the caller."""
        if not self.moduleTestNames:
            logging.warning("No test is defined in %s", type(self).__name__)
            return
        self.setUpClass()
        for name in self.moduleTestNames:
            self.setUp()
            getattr(self, name)()
            self.tearDown()
        self.tearDownClass()


MEMBERS = {
    kind.__name__: kind
    for kind in (
        ScriptedLoadableModule,
        ScriptedLoadableModuleWidget,
        ScriptedLoadableModuleLogic,
        ScriptedLoadableModuleTest,
    )
}
