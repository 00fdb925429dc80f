"""Small stand-ins for what only the Slicer application has, on PySide6 and slicer-core's real MRML.

`install()` gives `import qt`, `import ctk`, `import slicer`, `from slicer.i18n import tr`, ... their meaning, so that
the real module file and the real .ui file run without the application. They are strict: what Slicer or PythonQt would
refuse, they refuse; README.md lists each rule. What they prove is the wiring, not PythonQt itself.
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

__all__ = ["install"]


def install() -> ModuleType:
    """Makes the modules importable, once, and returns `slicer`.

    Raises:
        ImportError: PySide6 or slicer-core is not installed.
    """
    import slicer

    if "qt" in sys.modules:
        return slicer
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6 import QtCore, QtWidgets

    from slicer_standins import application, ctk_widgets, i18n, qt_module, sample_data, slicer_widgets

    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
    QtCore.QSettings.setPath(
        QtCore.QSettings.Format.IniFormat, QtCore.QSettings.Scope.UserScope, tempfile.mkdtemp(prefix="settings-")
    )
    QtCore.QCoreApplication.setOrganizationName("standins")
    QtCore.QCoreApplication.setApplicationName("Slicer")
    qt_application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])

    sys.modules["qt"] = qt_module.QtModule("qt")
    sys.modules["ctk"] = _module("ctk", ctk_widgets.WIDGETS)
    slicer.app = application.Application(slicer.vtkMRMLScene(), qt_application)
    slicer.mrmlScene = slicer.app.mrmlScene()
    slicer.modules = application.Modules()
    slicer.dicomDatabase = application.DicomDatabase()
    for name, widget in slicer_widgets.WIDGETS.items():
        setattr(slicer, name, widget)
    from slicer_standins import parameter_nodes, scripted_modules  # these import qt, ctk and slicer as modules do

    for name, members in {
        "slicer.ScriptedLoadableModule": scripted_modules.MEMBERS,
        "slicer.parameterNodeWrapper": {"parameterNodeWrapper": parameter_nodes.parameterNodeWrapper},
        "slicer.i18n": i18n.MEMBERS,
        "SampleData": sample_data.MEMBERS,
    }.items():
        module = _module(name, members)
        sys.modules[name] = module
        if name.startswith("slicer."):
            setattr(slicer, name.removeprefix("slicer."), module)
    sys.meta_path.append(_Packaging())
    return slicer


class _Packaging(MetaPathFinder):
    """Finds `slicer.packaging` for whoever imports it first, as in Slicer 5.12."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != "slicer.packaging":
            return None
        return spec_from_file_location(name, Path(__file__).with_name("packaging.py"))


def _module(name: str, members: dict[str, object]) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(members)
    module.__all__ = sorted(members)
    return module
