"""The two Segment Editors of the panel beside Slicer's own: who has keys and views, for which masks, and how long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from mrml import new_scene
from OpportunisticBMDLib.scene.segmentation import vertebra_of_segment
from OpportunisticBMDPanel.session import State
from panel_harness import Panel, slicer


@pytest.fixture
def panel() -> Iterator[Panel]:
    panel = Panel()
    panel.widget.enter()
    yield panel
    panel.close()
    assert with_keys() == []


@pytest.fixture
def measured(panel: Panel) -> Panel:
    """With a result."""
    panel.compute(harness.patient(panel.scene))
    return panel


def with_keys() -> list[Any]:
    """The editors that answer to keys, in the whole application."""
    return list(slicer.qMRMLSegmentEditorWidget._with_keys)


def idle(editor: Any) -> bool:
    """Nothing that is done in the views or on the keyboard reaches the editor."""
    return not editor._effect and not editor._shortcuts and not editor._observes_views


def open_case(panel: Panel, folder: Path) -> Any:
    """Opens a case in the annotating section; returns that section's editor."""
    panel.choose(harness.patient(panel.scene, "to be annotated"))
    if panel.ui.annotatingSection.collapsed:
        panel.ui.annotatingSection.click()
    section = panel.widget._annotating
    panel.answers.folder = folder
    section.ui.openFolderButton.click()
    section.ui.addVolumeButton.click()
    section.ui.nameEdit.text = "reader-1"
    section.ui.nextButton.click()
    assert section.work.case is not None
    return section.work._editing.editor


def slicers_own(scene: Any) -> Any:
    """The editor of Slicer's Segment Editor module."""
    node = slicer.vtkMRMLSegmentEditorNode()
    node.SetSingletonTag("SegmentEditor")
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLSegmentEditorNode(scene.AddNode(node))
    editor.setMRMLScene(scene)
    return editor


def load_among_others(scene: Any, path: str) -> None:
    """Adds a scene as Slicer does where several files are loaded at a time: in a batch."""
    scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
    assert scene.ReadFromMRB(path, False)
    scene.EndState(slicer.vtkMRMLScene.BatchProcessState)


def test_leaving_the_module_closes_both_editors(measured: Panel, tmp_path):
    first = measured.widget.editing.editor
    second = open_case(measured, tmp_path)
    second.setActiveEffectByName("Paint")
    assert with_keys() == [second] and second._observes_views
    measured.widget.exit()
    assert idle(first) and idle(second)
    measured.widget.enter()
    assert with_keys() == [second], "the one that was used last"


def test_slicers_own_segment_editor_has_its_keys_for_itself(measured: Panel, tmp_path):
    open_case(measured, tmp_path)
    own = slicers_own(measured.scene)
    measured.widget.exit()
    own.installKeyboardShortcuts()
    assert with_keys() == [own]
    own.uninstallKeyboardShortcuts()
    measured.widget.enter()
    assert len(with_keys()) == 1


def test_keys_and_effects_belong_to_the_editor_that_was_used_last(measured: Panel, tmp_path):
    first = measured.widget.editing.editor
    assert with_keys() == [first]
    chosen = measured.session.volume_node
    second = open_case(measured, tmp_path)
    assert with_keys() == [second], "a case was opened"
    second._press("1")
    assert second._effect == "Paint"
    measured.choose(chosen)
    assert with_keys() == [first] and idle(second), "a measured CT was chosen"
    second.setActiveEffectByName("Erase")
    assert with_keys() == [second] and idle(first), "an effect was chosen"
    first.setActiveEffectByName("Draw")
    assert with_keys() == [first] and first._effect == "Draw"
    assert idle(second), "two effects would paint each stroke twice"


def test_leaving_the_case_gives_the_keys_back(measured: Panel, tmp_path):
    chosen = measured.session.volume_node
    second = open_case(measured, tmp_path)
    measured.widget._annotating.work.leave()
    measured.choose(chosen)
    assert idle(second) and with_keys() == [measured.widget.editing.editor]


def test_an_editor_without_masks_has_no_keys(panel: Panel):
    assert with_keys() == []
    panel.compute(harness.patient(panel.scene))
    editor = panel.widget.editing.editor
    assert with_keys() == [editor]
    editor.setActiveEffectByName("Paint")
    panel.worker.holds_back = True
    panel.ui.computeButton.click()
    assert panel.session.state is State.RUNNING and idle(editor), "what is painted now would be replaced"
    panel.ui.cancelButton.click()
    assert with_keys() == [editor]
    panel.scene.RemoveNode(panel.session.segmentation_node)
    assert idle(editor)


def test_masks_that_come_while_another_module_is_shown_bring_no_keys(panel: Panel, tmp_path):
    open_case(panel, tmp_path)
    panel.choose(harness.patient(panel.scene))
    panel.logic.warm_up()
    panel.worker.holds_back = True
    panel.ui.computeButton.click()
    panel.widget.exit()
    panel.worker.holds_back = False
    panel.settle()
    assert panel.session.state is State.RESULT and with_keys() == []


def test_automatic_masks_of_a_case_that_come_while_another_module_is_shown(panel: Panel, tmp_path):
    second = open_case(panel, tmp_path)
    section = panel.widget._annotating
    second._press("1")
    section.ui.automaticButton.click()
    assert idle(second), "what is painted now would be replaced"
    panel.widget.exit()
    panel.settle()
    assert "automatic" in section.ui.caseMessageLabel.text and idle(second) and with_keys() == []


def test_after_a_reload_the_new_editors_have_their_nodes_alone(measured: Panel, tmp_path):
    """Slicer calls `cleanup` and makes a new widget on the same scene."""
    olds = (measured.widget.editing.editor, open_case(measured, tmp_path))
    olds[1].setActiveEffectByName("Paint")
    measured.widget.cleanup()
    for old in olds:
        assert idle(old) and old.mrmlSegmentEditorNode() is None and old.mrmlScene() is None
    again = Panel(scene=measured.scene)
    again.widget.enter()
    open_case(again, tmp_path / "other")
    assert len(with_keys()) == 1
    again.close()


def test_the_editor_is_ready_after_every_run(measured: Panel):
    for _ in range(2):
        editor, session = measured.widget.editing.editor, measured.session
        assert editor.segmentationNode() is session.segmentation_node
        assert editor.sourceVolumeNode() is session.volume_node
        assert vertebra_of_segment(session.segmentation_node, editor.currentSegmentID()) == "L1"
        measured.ui.computeButton.click()
        measured.settle()


def test_the_reader_keeps_the_segment_that_was_chosen(measured: Panel):
    editor, node = measured.widget.editing.editor, measured.session.segmentation_node
    editor.setCurrentSegmentID(node.GetSegmentation().GetSegmentIdBySegmentName("T12"))
    harness.paint(measured.session, "T12")
    measured.settle()
    assert vertebra_of_segment(node, editor.currentSegmentID()) == "T12"


def test_masks_of_somebody_else_are_not_edited(measured: Panel):
    editor = measured.widget.editing.editor
    measured.scene.RemoveNode(measured.session.segmentation_node)
    measured.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
    assert editor.segmentationNode() is None and with_keys() == []


def test_a_scene_with_other_masks_before_ours_is_loaded(measured: Panel, tmp_path):
    path = str(tmp_path / "case.mrb")
    assert measured.scene.WriteToMRB(path)
    other = Panel(scene=new_scene())
    other.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
    load_among_others(other.scene, path)
    assert other.widget.editing.editor.segmentationNode() is other.session.segmentation_node
    other.close()


def test_masking_and_the_masks_geometry_are_out_of_reach(measured: Panel):
    editor = measured.widget.editing.editor
    assert editor._hidden >= {"masking section", "geometry button", "switch button"}
    node = editor.mrmlSegmentEditorNode()
    editor._press("I")
    assert not node.GetSourceVolumeIntensityMask(), "nothing would tell that strokes are limited by HU"
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideAllSegments)
    node.SetOverwriteMode(node.OverwriteNone)
    assert (node.GetMaskMode(), node.GetOverwriteMode()) == (0, 0), "as from a scene that was saved so"


def test_an_effect_that_a_scene_brings_does_not_start_in_another_module(measured: Panel):
    editor = measured.widget.editing.editor
    measured.widget.exit()
    editor.mrmlSegmentEditorNode().SetActiveEffectName("Scissors")
    assert idle(editor)


def test_closing_the_scene_ends_both_editors(measured: Panel, tmp_path):
    second = open_case(measured, tmp_path)
    second.setActiveEffectByName("Paint")
    measured.scene.Clear(False)
    assert idle(second) and with_keys() == []
    measured.compute(harness.patient(measured.scene, "next"))
    assert with_keys() == [measured.widget.editing.editor]


def test_the_stand_in_refuses_what_slicer_refuses():
    scene = new_scene()
    own, other = slicers_own(scene), slicer.qMRMLSegmentEditorWidget()
    other.setMRMLScene(scene)
    with pytest.raises(ValueError, match="no effect Brush"):
        own.setActiveEffectByName("Brush")
    with pytest.raises(ValueError, match="no effect Brush"):
        own.setEffectNameOrder(["Paint", "Brush"])
    with pytest.raises(RuntimeError, match="no masks to work on"):
        own.setActiveEffectByName("Paint")
    with pytest.raises(RuntimeError, match="no editor node"):
        other.setMaskingSectionVisible(False)
    with pytest.raises(RuntimeError, match="no editor node"):
        other.setSegmentationNode(scene.AddNewNodeByClass("vtkMRMLSegmentationNode"))
    with pytest.raises(RuntimeError, match="still follows"):
        other.setMRMLSegmentEditorNode(own.mrmlSegmentEditorNode())
    own.installKeyboardShortcuts()
    with pytest.raises(RuntimeError, match="ambiguous"):
        other.installKeyboardShortcuts()
    own.uninstallKeyboardShortcuts()
