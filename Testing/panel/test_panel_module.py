"""The module file as Slicer loads and reloads it: what it says of itself, its parts, its sample, its own test."""

from __future__ import annotations

import importlib
import sys
import unittest
from types import ModuleType

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from OpportunisticBMDPanel.slicer.packages import RequiredPackages
from panel_harness import slicer
from slicer_standins import sample_data

HELPERS = ("panel_harness", "example_levels", "example_results", "known_network", "mrml")


def ours() -> dict[str, ModuleType]:
    """What is imported of the module and of what the tests build on it."""
    names = [name for name in sys.modules if name.startswith("OpportunisticBMD") or name in HELPERS]
    return {name: sys.modules[name] for name in names}


@pytest.fixture
def module():
    """The module file, and the packages as they were before: the module forgets them when it is cleaned up."""
    before = ours()
    yield harness.module_file()
    for name in ours():
        del sys.modules[name]
    sys.modules.update(before)
    slicer.mrmlScene.Clear(False)


@pytest.fixture
def shown(module: ModuleType):
    """The application's widget of the module, which was turned to; its Python part is `slicer.modules....Widget`."""
    representation = slicer.modules.opportunisticbmd.widgetRepresentation()
    representation.enter()
    yield representation
    representation.exit()
    slicer.app.moduleManager()._unload("OpportunisticBMD")
    representation.delete()


def harness_on_the_new_packages() -> ModuleType:
    """The tests' own helpers, imported once more: those of this file know the packages from before the reload."""
    for name in HELPERS:
        del sys.modules[name]
    return importlib.import_module("panel_harness")


def python_part():
    return slicer.modules.OpportunisticBMDWidget


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RequiredPackages, "missing", lambda packages: ["torch>=2.4"])


def test_it_introduces_itself(module):
    parent = harness.introduced(module)
    assert parent.title == "Opportunistic BMD" and parent.categories == ("Quantification",)
    assert parent.contributors == ("OpportunisticBMD developers",)
    assert "doi:10.21037/qims-22-1438" in parent.acknowledgementText
    assert "13(8):5294-5305" in parent.acknowledgementText
    assert "For research, not diagnosis" in parent.helpText
    assert "<img" in parent.helpText and module.PICTURE.is_file()
    assert not parent.icon.isNull()


def test_the_virtual_patient_is_offered_in_sample_data(module):
    slicer.modules.sampleDataSources = {}
    slicer.app._on_startup.clear()
    harness.introduced(module)
    slicer.app._start_up()
    ((category, (sample,)),) = slicer.modules.sampleDataSources.items()
    assert (category, sample.sampleName) == ("OpportunisticBMD", "VirtualPatient")
    with open(sample.thumbnailFileName, "rb") as file:
        assert file.read(4) == b"\x89PNG"


def test_a_click_on_the_sample_gives_a_ct_of_known_density(module, monkeypatch):
    monkeypatch.setattr(slicer.util, "setSliceViewerLayers", lambda **layers: None)
    slicer.modules.sampleDataSources = {}
    module.register_sample_data()
    sample_data.click(slicer.modules.sampleDataSources["OpportunisticBMD"][0])
    node = slicer.util.getNode("Virtual patient 11")
    assert node.GetImageData().GetScalarRange()[0] < -900
    assert 0 <= float(node.GetAttribute("OpportunisticBMD.true_L1_mg_cm3")) <= 260


def test_the_widget_is_set_up_entered_left_and_cleaned_up(shown):
    assert "Load a CT" in python_part().panel.ui.messageLabel.text
    shown.exit()
    python_part().cleanup()
    assert not slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    shown.enter()  # by the fixture, which leaves it


def test_the_widget_also_stands_alone(module):
    widget = module.OpportunisticBMDWidget()
    assert "Load a CT" in widget.panel.ui.messageLabel.text
    widget.cleanup()
    widget.parent.delete()


def test_after_reload_the_new_widget_is_entered_and_computes(shown):
    old, old_packages = python_part(), sys.modules["OpportunisticBMDPanel"]
    old.onReload()
    new = python_part()
    assert new is not old and sys.modules["OpportunisticBMDPanel"] is not old_packages
    assert type(new.panel) is not type(old.panel), "the packages' files were read anew"
    assert old.panel.Observations == [] and new.panel._is_entered

    fresh = harness_on_the_new_packages()
    worker = fresh.KnownAnatomy()
    new.panel.logic._worker._make = lambda: worker
    new.panel._packages = fresh.Packages()
    new.panel.ui.inputSelector.setCurrentNode(fresh.patient(slicer.mrmlScene))
    new.panel.ui.computeButton.click()
    harness.wait(lambda: not new.panel.logic.tick())
    result, ui = new.panel.session.result, new.panel.ui
    assert ui.valueLabel.text == f"{result.bmd_mg_cm3:.1f}" and ui.categoryLabel.text == "▲ Osteopenia"
    assert old.panel.ui.valueLabel.text != ui.valueLabel.text, "the old widget hears nothing any more"


def test_after_reload_somewhere_else_the_new_widget_waits_to_be_entered(shown):
    shown.exit()
    python_part().onReload()
    assert not python_part().panel._is_entered
    shown.enter()
    assert python_part().panel._is_entered


def test_a_panel_that_could_not_be_made_can_be_reloaded_once_it_is_mended(shown, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(
            slicer.util, "loadUI", lambda path: (_ for _ in ()).throw(RuntimeError("a slip in the .ui file"))
        )
        with pytest.raises(RuntimeError, match="a slip"):
            python_part().onReload()
    python_part().onReload()
    assert "Load a CT" in python_part().panel.ui.messageLabel.text


def test_its_own_test_is_skipped_with_a_reason_where_a_package_is_missing(module, without_torch):
    outcome = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(module.OpportunisticBMDTest).run(outcome)  # as ctest does
    assert outcome.wasSuccessful()
    ((_test, reason),) = outcome.skipped
    assert reason == "Not tested: install torch>=2.4 first; Compute BMD offers it."


def test_reload_and_test_says_why_nothing_was_tested(shown, without_torch, monkeypatch):
    told = []
    monkeypatch.setattr(slicer.util, "delayDisplay", lambda message, msec: told.append(message))
    harness.introduced(sys.modules["OpportunisticBMD"])
    python_part().onTest()
    assert told == ["Not tested: install torch>=2.4 first; Compute BMD offers it."]


@pytest.mark.slow
def test_its_own_test_passes_on_a_virtual_patient_with_the_real_worker(module, monkeypatch):
    monkeypatch.setattr(slicer.util, "setSliceViewerLayers", lambda **layers: None)
    test = module.OpportunisticBMDTest()
    test.runTest()
