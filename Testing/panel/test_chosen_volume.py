"""Which CT the panel shows: the box and the scene's parameters follow each other, and part without a trace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from panel_harness import Panel


@pytest.fixture
def panel() -> Iterator[Panel]:
    panel = Panel()
    yield panel
    panel.close()


def parameters(panel: Panel):
    """The node that keeps them in the scene."""
    return panel.scene.GetSingletonNode("OpportunisticBMD", "vtkMRMLScriptedModuleNode")


def test_the_box_and_the_scene_follow_each_other(panel: Panel):
    first, second = (harness.patient(panel.scene, name) for name in ("first", "second"))
    panel.choose(second)
    assert parameters(panel).GetNodeReference("inputVolume") is second
    parameters(panel).SetNodeReferenceID("inputVolume", first.GetID())
    parameters(panel).Modified()
    assert panel.ui.inputSelector.currentNode() is first and panel.session.volume_node is first


def test_a_volume_that_the_box_does_not_show_stays_chosen(panel: Panel):
    volume = harness.patient(panel.scene)
    volume.SetHideFromEditors(True)
    parameters(panel).SetNodeReferenceID("inputVolume", volume.GetID())
    parameters(panel).Modified()
    assert panel.ui.inputSelector.currentNode() is None and panel.session.volume_node is volume


def test_a_panel_that_is_gone_hears_nothing_of_the_parameters():
    panel = Panel()
    panel.widget.enter()
    panel.widget.exit()
    panel.widget.enter()
    panel.close()
    assert not parameters(panel).HasObserver("ModifiedEvent")
