"""The stand-ins refuse what Slicer refuses: without that, the panel's tests would prove nothing.

The rules are listed in slicer_standins/README.md, with the file of Slicer that shows each.
"""

from __future__ import annotations

import functools
import sys
import unittest
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import slicer_standins

slicer = slicer_standins.install()

import ctk  # noqa: E402
import qt  # noqa: E402
import SampleData  # noqa: E402
from slicer.i18n import tr, translate  # noqa: E402
from slicer.parameterNodeWrapper import parameterNodeWrapper  # noqa: E402
from slicer.ScriptedLoadableModule import (  # noqa: E402
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

from dicom_files import write_slice  # noqa: E402
from slicer_standins import sample_data  # noqa: E402
from slicer_standins.application import DicomDatabase  # noqa: E402
from slicer_standins.pythonqt import PythonQt  # noqa: E402
from slicer_standins.scripted_modules import ModuleParent  # noqa: E402

VALUES = [
    lambda: qt.QColor("red"),
    lambda: qt.QPainter(),
    lambda: qt.QTableWidgetItem("text"),
    lambda: qt.QPixmap(2, 2),
    lambda: qt.QPixmap(2, 2).size(),
    lambda: qt.QPushButton().icon,
]

# qt and ctk: PythonQt


def test_properties_are_read_and_written_as_attributes():
    button = qt.QPushButton("Go")
    button.text, button.name = "Stop", "stopButton"
    assert (button.text, button.objectName, button.enabled) == ("Stop", "stopButton", True)


@pytest.mark.parametrize("widget", [lambda: qt.QLabel(), lambda: ctk.ctkCollapsibleButton(), lambda: qt.QTimer()])
def test_an_unknown_property_method_or_signal_fails(widget):
    made = widget()
    with pytest.raises(AttributeError, match="no property"):
        made.colour = "red"
    with pytest.raises(AttributeError):
        made.paintItRed()
    with pytest.raises(AttributeError, match="no signal"):
        made.connect("painted(bool)", print)


@pytest.mark.parametrize("value", VALUES)
def test_a_value_has_methods_only(value):
    made = value()
    with pytest.raises(AttributeError, match="no property"):
        made.colour = "red"
    with pytest.raises(AttributeError):
        made.paintItRed()


def test_a_property_is_not_a_method():
    with pytest.raises(TypeError):
        qt.QLabel("text").text()


@pytest.mark.parametrize(("name", "value"), [("minimumSize", "wide"), ("width", 5), ("sizePolicy", "wide")])
def test_a_property_refuses_what_it_cannot_be(name, value):
    with pytest.raises(AttributeError, match=f"{name} does not take"):
        setattr(qt.QLabel(), name, value)


def test_a_timer_is_made_single_shot_by_its_method():
    timer = qt.QTimer()
    with pytest.raises(AttributeError, match="no property 'singleShot'"):
        timer.singleShot = True
    timer.setSingleShot(True)
    assert timer.isSingleShot()


@pytest.mark.parametrize(
    "call",
    [
        lambda: qt.QLabel(text="text"),
        lambda: qt.QColor(name="red"),
        lambda: qt.QLabel().setText(text="text"),
        lambda: qt.QColor("red").setAlpha(alpha=1),
        lambda: qt.QTimer().connect("timeout()", slot=print),
        lambda: qt.QFileDialog.getExistingDirectory(parent=None),
        lambda: slicer.qMRMLNodeComboBox(parent=None),
        lambda: slicer.qMRMLNodeComboBox().setMRMLScene(scene=None),
        lambda: ctk.ctkPathLineEdit(parent=None),
    ],
)
def test_keyword_arguments_are_refused(call):
    with pytest.raises(ValueError, match="with keyword arguments"):
        call()


def test_signals_are_connected_by_their_signature():
    heard = []
    box = qt.QDoubleSpinBox()
    box.connect("valueChanged(double)", heard.append)
    box.value = 2.5
    assert box.disconnect("valueChanged(double)", heard.append)
    box.value = 3.5
    assert heard == [2.5]
    assert not box.disconnect("valueChanged(double)", heard.append), "there is nothing to disconnect any more"


def test_a_slot_gets_as_many_arguments_as_it_takes_and_the_signature_names():
    heard = {}
    button = qt.QPushButton("Go")
    button.connect("clicked(bool)", lambda: heard.update(none=()))
    button.connect("clicked(bool)", lambda mine="default": heard.update(default=mine))
    button.connect("clicked()", lambda mine="default": heard.update(no_argument=mine))
    button.connect("clicked(bool)", lambda *all: heard.update(all=all))
    button.connect("clicked(bool)", functools.partial(lambda mine, checked: heard.update(partial=checked), "mine"))
    button.click()
    assert heard == {"none": (), "default": False, "no_argument": "default", "all": (False,), "partial": False}


def test_lists_that_qt_gives_are_tuples():
    combo = slicer.qMRMLNodeComboBox()
    combo.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    assert combo.nodeTypes == ("vtkMRMLScalarVolumeNode",)
    combo.nodeTypes = ("vtkMRMLModelNode",)
    assert combo.nodeTypes == ("vtkMRMLModelNode",)


def test_values_keep_what_they_are_on_their_way_through_qt():
    pixmap, label, item = qt.QPixmap(3, 2), qt.QLabel(), qt.QTableWidgetItem("text")
    pixmap.fill(qt.QColor("red"))
    label.pixmap = pixmap
    assert (label.pixmap.width(), label.pixmap.toImage().pixelColor(0, 0).name()) == (3, "#ff0000")
    item.setData(qt.Qt.BackgroundRole, qt.QColor("red"))
    assert item.background().color().name() == "#ff0000"


@pytest.mark.parametrize("name", ["Signal", "Slot", "Property", "QNoSuchWidget"])
def test_what_only_another_binding_of_qt_has_is_not_there(name):
    with pytest.raises(AttributeError, match=f"Qt has no {name}"):
        getattr(qt, name)


def ui_file(tmp_path, widget: str):
    path = tmp_path / "a.ui"
    path.write_text(f'<ui version="4.0"><class>A</class><widget class="QWidget" name="A">{widget}</widget></ui>')
    return str(path)


def test_a_ui_file_with_an_unknown_widget_or_property_fails(tmp_path):
    with pytest.raises(RuntimeError, match="no widget of class ctkNoSuchThing"):
        slicer.util.loadUI(ui_file(tmp_path, '<widget class="ctkNoSuchThing" name="b"/>'))
    label = '<widget class="QLabel" name="b"><property name="colour"><string>red</string></property></widget>'
    with pytest.raises(RuntimeError, match="has no property colour"):
        slicer.util.loadUI(ui_file(tmp_path, label))


# The scripted module


class SomeModule(ScriptedLoadableModule):
    pass


class SomeModuleLogic(ScriptedLoadableModuleLogic):
    pass


class SomeModuleWidget(ScriptedLoadableModuleWidget):
    def __init__(self, parent=None):
        self.calls = []
        super().__init__(parent)

    def setup(self):
        super().setup()
        self.calls.append("setup")

    def enter(self):
        self.calls.append("enter")

    def exit(self):
        self.calls.append("exit")

    def cleanup(self):
        self.calls.append("cleanup")


class SomeModuleTest(ScriptedLoadableModuleTest):
    __test__ = False  # but for the tests below
    ran: list[str] = []  # noqa: RUF012

    def setUp(self):
        self.ran.append("setUp")

    def test_one(self):
        self.ran.append("one")

    def test_two(self):
        self.skipTest("there is no reason")


@pytest.fixture
def some_module(tmp_path, monkeypatch):
    """A module file beside these classes, found and shown by the application; another module that it imports."""
    (tmp_path / "SomeModule.py").write_text(f"import some_part\nfrom {__name__} import *\n")
    (tmp_path / "some_part.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    yield slicer.modules.add("SomeModule", str(tmp_path / "SomeModule.py"))
    for name in ("SomeModule", "some_part"):
        sys.modules.pop(name, None)
    del slicer.modules.somemodule


def test_the_module_s_record_has_the_application_s_properties_alone():
    parent = ModuleParent("/somewhere/SomeModule.py")
    SomeModule(parent)
    assert parent.categories == () and parent.contributors != (), "Slicer names its own where a module names none"
    assert slicer.selfTests["SomeModule"].__name__ == "runTest"
    with pytest.raises(AttributeError):
        parent.license = "Apache-2.0"
    with pytest.raises(AttributeError):
        parent.path = "/elsewhere"


def test_reload_cleans_up_and_sets_up_but_enters_nothing_and_imports_nothing_else_anew(some_module):
    representation = some_module.widgetRepresentation()
    representation.enter()
    old, part = slicer.modules.SomeModuleWidget, sys.modules["some_part"]
    slicer.util.reloadScriptedModule("SomeModule")
    new = slicer.modules.SomeModuleWidget
    assert old.calls == ["setup", "enter", "cleanup"] and new.calls == ["setup"]
    assert new is not old and new.parent is old.parent is representation
    assert representation.isEntered and sys.modules["some_part"] is part
    representation.exit()
    assert new.calls == ["setup", "exit"] and not representation.isEntered


def test_only_the_part_that_is_left_is_cleaned_up_before_the_application_ends(some_module):
    some_module.widgetRepresentation()
    old = slicer.modules.SomeModuleWidget
    old.onReload()
    slicer.app.moduleManager()._unload("SomeModule")
    assert old.calls.count("cleanup") == 1 and slicer.modules.SomeModuleWidget.calls == ["setup", "cleanup"]


def test_the_parameter_node_is_the_only_one_of_its_module():
    logic = SomeModuleLogic()
    node = logic.getParameterNode()
    assert (node.GetSingletonTag(), node.GetAttribute("ModuleName")) == ("SomeModule", "SomeModule")
    node.RemoveAttribute("ModuleName")
    assert logic.getParameterNode() is node and node.GetAttribute("ModuleName") == "SomeModule"
    slicer.mrmlScene.RemoveNode(node)

    logic.isSingletonParameterNode = False
    node = logic.getParameterNode()
    other = slicer.mrmlScene.AddNode(logic.createParameterNode())
    assert logic.getParameterNode() is node and logic.getAllParameterNodes() == [node, other]
    for each in (node, other):
        slicer.mrmlScene.RemoveNode(each)


def test_a_skipped_test_reaches_whoever_calls_run_test():
    SomeModuleTest.ran.clear()
    with pytest.raises(unittest.SkipTest, match="no reason"):
        SomeModuleTest().runTest()
    assert SomeModuleTest.ran == ["setUp", "one", "setUp"]


# SampleData


@pytest.mark.parametrize(
    ("sample", "error"),
    [
        ({}, TypeError),
        ({"fileNames": "a.nrrd", "nodeNames": "a"}, TypeError),
        ({"uris": ["", ""], "fileNames": ["a.nrrd"]}, ValueError),
        ({"uris": "", "loadFileType": "VolumeFile", "loadFileTypes": "VolumeFile"}, ValueError),
    ],
)
def test_a_sample_that_cannot_be_counted_is_refused(sample, error):
    with pytest.raises(error):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="Tests", sampleName="Sample", customDownloader=print, **sample
        )


def test_a_sample_is_registered_once_and_its_downloader_called_with_it():
    heard = []
    for _ in range(2):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="Tests", sampleName="Sample", uris="", fileNames="a.nrrd", customDownloader=heard.append
        )
    (sample,) = slicer.modules.sampleDataSources.pop("Tests")
    assert (sample.uris, sample.fileNames, sample.nodeNames) == ([""], ["a.nrrd"], [None])
    sample_data.click(sample)
    assert heard == [sample]


# The parameter node


def parameter_node():
    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")


@pytest.fixture
def parameters():
    @parameterNodeWrapper
    class Parameters:
        volume: slicer.vtkMRMLScalarVolumeNode
        shown: bool = True
        size: float = 1.5
        count: int
        name: str

    yield Parameters(parameter_node())
    slicer.mrmlScene.Clear(False)


def gui(**widgets):
    """Widgets that name these parameters, as attributes of an object, as `childWidgetVariables` gives them."""
    for name, widget in widgets.items():
        widget.setProperty("SlicerParameterName", name)
    return SimpleNamespace(other=qt.QLabel(), **widgets)


def test_defaults_are_written_into_the_node(parameters):
    assert (parameters.volume, parameters.shown, parameters.size) == (None, True, 1.5)
    assert (parameters.count, parameters.name) == (0, "")
    assert parameters.parameterNode.GetParameter("shown") == "True"
    assert parameters.parameterNode.HasParameter("volume")


@pytest.mark.parametrize("name", ["shown", "size", "count", "name"])
def test_none_is_for_nodes_alone(parameters, name):
    parameters.volume = None
    with pytest.raises(ValueError, match="must not be None"):
        setattr(parameters, name, None)


@pytest.mark.parametrize(("name", "value"), [("shown", 1), ("size", "1"), ("count", 1.5), ("name", 3), ("volume", "a")])
def test_a_value_of_another_type_is_refused(parameters, name, value):
    with pytest.raises(TypeError, match="must be of type"):
        setattr(parameters, name, value)
    parameters.size = 2
    assert parameters.size == 2.0


def test_a_node_of_another_class_is_refused(parameters):
    with pytest.raises(TypeError, match="must be of type"):
        parameters.volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")


@pytest.mark.parametrize("kind", [complex, "slicer.vtkMRMLScene", SimpleNamespace])
def test_a_type_that_no_node_can_keep_is_refused(kind):
    with pytest.raises(Exception, match="Unable to create serializer"):
        parameterNodeWrapper(type("Parameters", (), {"__annotations__": {"it": kind}, "__module__": __name__}))


@pytest.mark.parametrize("name", ["connectGui", "allParameters", "AddObserver"])
def test_a_name_that_the_wrapper_needs_is_refused(name):
    with pytest.raises(ValueError, match="reserved name"):
        parameterNodeWrapper(type("Parameters", (), {"__annotations__": {name: int}}))


def test_a_value_is_remembered_until_the_node_was_modified(parameters):
    node = parameters.parameterNode
    modified = node.StartModify()
    node.SetParameter("count", "5")
    assert parameters.count == 0
    node.EndModify(modified)
    assert parameters.count == 5


def test_a_parameter_and_its_widget_follow_each_other(parameters):
    box = qt.QCheckBox()
    tag = parameters.connectGui(gui(shown=box))
    assert box.checked
    box.click()
    assert parameters.shown is False
    parameters.shown = True
    assert box.checked
    parameters.disconnectGui(tag)
    box.click()
    assert parameters.shown is True, "a widget that was let go of writes nothing"


def test_the_children_of_a_widget_are_joined_too(parameters):
    window = qt.QWidget()
    box = qt.QCheckBox(window)
    box.setProperty("SlicerParameterName", "shown")
    parameters.connectGui(window)
    box.click()
    assert parameters.shown is False


def test_a_node_box_shows_nodes_of_the_parameter_s_class(parameters):
    box = slicer.qMRMLNodeComboBox()
    box.setMRMLScene(slicer.mrmlScene)
    parameters.connectGui(gui(volume=box))
    assert box.nodeTypes == ("vtkMRMLScalarVolumeNode",)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    parameters.volume = volume
    assert box.currentNode() is volume


def test_a_widget_that_names_no_parameter_fails(parameters):
    box = qt.QCheckBox()
    with pytest.raises(ValueError, match="Cannot find a param with the given name: sown"):
        parameters.connectGui(gui(shown=box, sown=qt.QCheckBox()))
    box.click()
    assert parameters.shown is True, "none was joined"


@pytest.mark.parametrize(
    ("name", "widget"),
    [
        ("shown", lambda: ctk.ctkCollapsibleButton()),
        ("shown", lambda: qt.QRadioButton()),
        ("count", lambda: qt.QCheckBox()),
        ("name", lambda: slicer.qMRMLNodeComboBox()),
    ],
)
def test_a_widget_that_cannot_show_the_parameter_fails(parameters, name, widget):
    with pytest.raises(RuntimeError, match="Unable to create GUI connector"):
        parameters.connectGui(gui(**{name: widget()}))


# The DICOM database


@pytest.fixture
def database() -> DicomDatabase:
    return DicomDatabase()


def test_the_database_keeps_a_copy_of_what_is_inserted_once(database, tmp_path):
    file = write_slice(tmp_path / "slice.dcm", np.zeros((4, 4)), (0, 0, 0), SOPInstanceUID="1.2.3")
    for _ in range(2):
        assert database.insert(str(file)) is None
    file.unlink()
    kept = database.fileForInstance("1.2.3")
    assert database.imagesCount() == 1 and database.fileValue(kept, "0008,0008") == "ORIGINAL\\PRIMARY\\AXIAL"


def test_the_database_says_nothing_of_what_it_cannot_read(database, tmp_path):
    (tmp_path / "text").write_text("no DICOM")
    for file in ("text", "nothing"):
        database.insert(str(tmp_path / file))
    assert database.imagesCount() == 0 and database.fileForInstance("1.2.3") == ""
    assert database.fileValue(str(tmp_path / "nothing"), "0008,0060") == ""


def test_the_database_takes_no_path_object(database, tmp_path):
    with pytest.raises(ValueError, match="QString"):
        database.insert(tmp_path)


# Translation


@pytest.mark.parametrize("thing", [None, 3, ["text"]])
def test_only_text_is_translated(thing):
    with pytest.raises(TypeError):
        tr(thing)
    assert tr("text") == translate("context", "text") == "text"


def test_a_property_that_qt_itself_asks_for_in_python_is_read_once(monkeypatch):
    asked, read = [], PythonQt.__getattribute__
    monkeypatch.setattr(PythonQt, "__getattribute__", lambda self, name: asked.append(name) or read(self, name))
    bar = qt.QProgressBar()
    bar.show()  # draws its text, without end where that is a property
    assert bar.text == "" and 0 < asked.count("text") < 10
    bar.close()
