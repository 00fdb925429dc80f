"""What the reader hides by the eye in the Data module, or in the panel, stays hidden; and what is shown, shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from mrml import new_scene
from panel_harness import Panel


@pytest.fixture
def measured() -> Iterator[Panel]:
    panel = Panel()
    panel.compute(harness.patient(panel.scene))
    yield panel
    panel.close()


def test_the_check_box_and_the_eye_of_the_box_are_one(measured: Panel):
    box, check = measured.session.box_node, measured.ui.showBoxCheckBox
    assert box.GetDisplayVisibility() and check.checked
    box.SetDisplayVisibility(False)
    assert not check.checked
    measured.widget.refresh()
    assert not box.GetDisplayVisibility(), "what is hidden stays hidden"
    box.SetDisplayVisibility(True)
    assert check.checked
    check.click()
    assert not box.GetDisplayVisibility() and not check.checked
    check.click()
    assert box.GetDisplayVisibility() and check.checked


def test_a_box_that_was_deleted_cannot_be_shown(measured: Panel):
    measured.scene.RemoveNode(measured.session.box_node)
    assert not measured.ui.showBoxCheckBox.enabled and not measured.ui.segmentAgainButton.enabled


def test_each_volume_has_its_own_eye_and_a_new_box_is_shown_as_the_one_before(measured: Panel):
    first = measured.session
    first.box_node.SetDisplayVisibility(False)
    measured.compute(harness.patient(measured.scene, "second"))
    assert not measured.session.box_node.GetDisplayVisibility() and not measured.ui.showBoxCheckBox.checked
    measured.ui.showBoxCheckBox.click()
    assert measured.session.box_node.GetDisplayVisibility() and not first.box_node.GetDisplayVisibility()
    measured.choose(first.volume_node)
    assert not measured.ui.showBoxCheckBox.checked and not first.box_node.GetDisplayVisibility()


def test_everything_hidden_stays_hidden_when_it_is_computed_again(measured: Panel):
    session = measured.session
    for node in (session.segmentation_node, session.box_node, session.regions_node):
        node.SetDisplayVisibility(False)
    measured.ui.computeButton.click()
    measured.settle()
    for node in (session.segmentation_node, session.box_node, session.regions_node):
        assert not node.GetDisplayVisibility(), node.GetName()


def test_edits_show_nothing_that_was_hidden(measured: Panel):
    session = measured.session
    session.segmentation_node.GetDisplayNode().SetSegmentVisibility("T12", False)
    session.regions_node.SetDisplayVisibility(False)
    harness.paint(session, "L2", voxels=2)
    measured.settle()
    assert not session.segmentation_node.GetDisplayNode().GetSegmentVisibility("T12")
    assert not session.regions_node.GetDisplayVisibility()


def test_a_hidden_box_comes_hidden_out_of_a_saved_scene(measured: Panel, tmp_path):
    measured.session.box_node.SetDisplayVisibility(False)
    path = str(tmp_path / "case.mrb")
    assert measured.scene.WriteToMRB(path)
    other = Panel(scene=new_scene())
    assert other.scene.ReadFromMRB(path)
    assert not other.session.box_node.GetDisplayVisibility() and not other.ui.showBoxCheckBox.checked
    other.close()
