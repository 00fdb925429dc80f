"""The stand-ins refuse what PythonQt would refuse: without that, the panel's tests would prove nothing."""

from __future__ import annotations

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import slicer_standins

slicer = slicer_standins.install()

import ctk  # noqa: E402
import qt  # noqa: E402
from slicer.parameterNodeWrapper import parameterNodeWrapper  # noqa: E402


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


def test_a_property_is_not_a_method():
    with pytest.raises(TypeError):
        qt.QLabel("text").text()


def test_signals_are_connected_by_their_signature():
    heard = []
    box = qt.QDoubleSpinBox()
    box.connect("valueChanged(double)", heard.append)
    box.value = 2.5
    box.disconnect("valueChanged(double)", heard.append)
    box.value = 3.5
    assert heard == [2.5]


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


def test_parameters_are_typed_and_joined_to_widgets():
    @parameterNodeWrapper
    class Parameters:
        volume: slicer.vtkMRMLScalarVolumeNode
        shown: bool = True

    scene = slicer.vtkMRMLScene()
    parameters = Parameters(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    box = qt.QCheckBox()
    box.setProperty("SlicerParameterName", "shown")
    parameters.connectGui(type("", (), {})())
    ui = type("", (), {})()
    ui.box = box
    tag = parameters.connectGui(ui)
    assert box.checked and parameters.volume is None
    box.click()
    assert parameters.shown is False
    parameters.shown = True
    assert box.checked
    with pytest.raises(TypeError):
        parameters.shown = "yes"
    parameters.disconnectGui(tag)
    box.click()
    assert parameters.shown is True, "a widget that was let go of writes nothing"


def test_a_widget_that_names_no_parameter_fails():
    @parameterNodeWrapper
    class Parameters:
        shown: bool = True

    ui = type("", (), {})()
    ui.box = qt.QCheckBox()
    ui.box.setProperty("SlicerParameterName", "sown")
    with pytest.raises(ValueError, match="'sown', which does not exist"):
        Parameters(slicer.vtkMRMLScene().AddNewNodeByClass("vtkMRMLScriptedModuleNode")).connectGui(ui)
