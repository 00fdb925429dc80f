"""The module file as Slicer loads it: what it says of itself, its parts, its sample, its own test."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from panel_harness import slicer

import SampleData  # isort: skip - the harness makes it importable


@pytest.fixture(scope="module")
def module():
    return harness.module_file()


def test_it_introduces_itself(module):
    parent = harness.introduced(module)
    assert parent.title == "Opportunistic BMD" and parent.categories == ["Quantification"]
    assert parent.contributors == ["OpportunisticBMD developers"]
    assert "doi:10.21037/qims-22-1438" in parent.acknowledgementText
    assert "13(8):5294-5305" in parent.acknowledgementText
    assert "For research, not diagnosis" in parent.helpText
    assert "<img" in parent.helpText and module.PICTURE.is_file()


def test_the_virtual_patient_is_offered_in_sample_data(module):
    SampleData.registered.clear()
    module.register_sample_data()
    (sample,) = SampleData.registered
    assert sample["sampleName"] == "VirtualPatient"
    with open(sample["thumbnailFileName"], "rb") as file:
        assert file.read(4) == b"\x89PNG"


def test_the_widget_is_set_up_entered_left_and_cleaned_up(module):
    widget = module.OpportunisticBMDWidget()
    widget.enter()
    assert "Load a CT" in widget.panel.ui.messageLabel.text
    widget.exit()
    widget.cleanup()
    assert not slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")


@pytest.mark.slow
def test_its_own_test_passes_on_a_virtual_patient_with_the_real_worker(module, monkeypatch):
    monkeypatch.setattr(slicer.util, "setSliceViewerLayers", lambda **layers: None)
    test = module.OpportunisticBMDTest()
    test.runTest()
    slicer.mrmlScene.Clear(False)


@pytest.mark.slow
def test_the_sample_is_a_ct_of_known_density(module, monkeypatch):
    monkeypatch.setattr(slicer.util, "setSliceViewerLayers", lambda **layers: None)
    SampleData.registered.clear()
    module.register_sample_data()
    (node,) = SampleData.registered[0]["customDownloader"](SimpleNamespace())
    assert node.GetImageData().GetScalarRange()[0] < -900
    assert 0 <= float(node.GetAttribute("OpportunisticBMD.true_L1_mg_cm3")) <= 260
    slicer.mrmlScene.Clear(False)
