"""Which vertebrae these are: what the panel says of it, and what a click on "one vertebra higher" does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from example_levels import sure, unsure
from mrml import new_scene
from OpportunisticBMDLib.core.levels import Levels
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.scene import result_table
from OpportunisticBMDLib.worker.messages import Failed
from OpportunisticBMDPanel.session import State
from OpportunisticBMDPanel.slicer import theme
from panel_harness import KnownAnatomy, Panel


def panel_on(levels: Levels) -> Panel:
    """With the result of a patient whose vertebrae are these."""
    panel = Panel(worker=lambda settings: KnownAnatomy(settings, levels))
    panel.compute(harness.patient(panel.scene))
    return panel


@pytest.fixture
def measured() -> Iterator[Panel]:
    """Whose levels are sure."""
    panel = panel_on(sure())
    yield panel
    panel.close()


@pytest.fixture
def asked() -> Iterator[Panel]:
    """Whose levels are not."""
    panel = panel_on(unsure())
    yield panel
    panel.close()


def codes(result: Result) -> set[str]:
    return {reason.code.value for reason in result.reasons}


def height(result: Result, name: str) -> float:
    """mm towards the head, of what was measured as this vertebra."""
    return result.vertebrae[name].mask.centroid_ras_mm[2]


# What is said


def test_sure_levels_are_a_word_in_the_line_of_trust_and_their_evidence_its_tooltip(measured: Panel):
    label = measured.ui.trustLabel
    assert label.isVisibleTo(measured.root) and "; levels sure by ribs." in label.text
    assert not measured.ui.levelsLabel.isVisibleTo(measured.root), "nothing is said twice"
    assert label.toolTip.splitlines() == [
        "T11: right rib present, 7.5 cm in view; left rib present, 7.5 cm in view",
        "T12: right rib present, 7.5 cm in view; left rib present, 7.5 cm in view",
        "L1: right rib absent; left rib absent",
        "L2: right rib absent; left rib absent",
    ]


def test_unsure_levels_are_a_question_with_what_each_answer_gives(asked: Panel):
    label, result = asked.ui.levelsLabel, asked.session.result
    here, higher = result.levels.answers
    assert "Which vertebrae are these?" in label.text and label.text.startswith(theme.SEVERITY_SHAPES["warning"])
    assert theme.severity_colour("warning") in label.styleSheet
    for words in ("71 %", "27 %", "one vertebra higher", f"{here.bmd_mg_cm3:.1f}", f"{higher.bmd_mg_cm3:.1f}"):
        assert words in label.text
    assert here.bmd_mg_cm3 == result.bmd_mg_cm3 != higher.bmd_mg_cm3
    assert "T12: right rib cannot tell; left rib remnant, 2.3 cm in view" in label.toolTip


def test_a_refusal_asks_without_densities(asked: Panel):
    number = asked.ui.valueLabel.text
    for name in ("L1", "L2"):
        asked.widget.results.use_boxes[name].click()
    asked.settle()
    assert asked.session.state is State.REFUSED
    assert "71 %" in asked.ui.levelsLabel.text and "27 %" in asked.ui.levelsLabel.text
    assert number not in asked.ui.levelsLabel.text and "mg/cm³" not in asked.ui.levelsLabel.text


def test_without_levels_nothing_is_said_of_them(measured: Panel):
    harness.forget_levels(measured.session)
    measured.widget.refresh()
    assert not measured.ui.levelsLabel.isVisibleTo(measured.root)


def test_the_line_is_grey_while_the_number_is_out_of_date(asked: Panel):
    harness.paint(asked.session, "L2")
    assert theme.muted() in asked.ui.levelsLabel.styleSheet
    asked.settle()
    assert theme.severity_colour("warning") in asked.ui.levelsLabel.styleSheet


def test_progress_has_words_for_naming(measured: Panel):
    measured.worker.holds_back = True
    measured.ui.computeButton.click()
    measured.worker.tell("name", 0.27)
    measured.logic.tick()
    assert measured.ui.progressLabel.text == "Naming the vertebrae by their ribs, 27 %"


# What a click does


def test_one_vertebra_higher_segments_the_third_one(asked: Panel):
    before = asked.session.result
    asked.ui.relabelUpButton.click()
    assert asked.session.state is State.RUNNING
    asked.settle()
    after = asked.session.result
    assert asked.worker.jobs == ["compute", "move"]
    assert height(after, "T12") > height(before, "T12") + 20, "T11, which nobody had segmented"
    assert height(after, "L1") == pytest.approx(height(before, "T12"), abs=0.1)
    assert height(after, "L2") == pytest.approx(height(before, "L1"), abs=0.1)
    assert after.bmd_mg_cm3 == pytest.approx(before.levels.answers[1].bmd_mg_cm3), "as the question said"
    assert "levels_moved_by_reader" in codes(after) and after.levels.moved == -1


def test_after_a_click_the_line_and_its_evidence_are_those_of_the_new_names(asked: Panel):
    asked.ui.relabelUpButton.click()
    asked.settle()
    label = asked.ui.levelsLabel
    assert "reader" in label.text and theme.severity_colour("warning") not in label.styleSheet
    first, second = label.toolTip.splitlines()[:2]
    assert first == "T12: right rib present, 7.5 cm in view; left rib present, 7.5 cm in view"
    assert second == "L1: right rib cannot tell; left rib remnant, 2.3 cm in view"


def test_one_vertebra_lower_and_back_gives_the_first_names_again(measured: Panel):
    before = measured.session.result
    measured.ui.relabelDownButton.click()
    measured.settle()
    assert height(measured.session.result, "L2") < height(before, "L2") - 20
    measured.ui.relabelUpButton.click()
    measured.settle()
    after = measured.session.result
    assert after.bmd_mg_cm3 == pytest.approx(before.bmd_mg_cm3)
    assert after.levels == before.levels and "levels_moved_by_reader" not in codes(after)


def test_names_that_cannot_be_moved_further_are_a_sentence_and_the_number_stays(measured: Panel):
    for _ in range(4):
        measured.ui.relabelUpButton.click()
        measured.settle()
    moved = measured.session.result
    assert measured.answers.errors and all("no further vertebrae" in error for error in measured.answers.errors)
    assert measured.session.state in (State.RESULT, State.REFUSED) and moved.levels.moved == -2
    assert measured.ui.resultFrame.isVisibleTo(measured.root) and measured.ui.messageLabel.text == ""


def test_a_name_that_cannot_be_moved_leaves_an_edit_to_be_measured(measured: Panel):
    harness.paint(measured.session, "L2", voxels=2)
    old = measured.session.result
    measured.worker.fault = Failed("There are no further vertebrae in this direction.", "bad_input")
    measured.ui.relabelUpButton.click()
    measured.logic.tick()
    assert measured.session.state is State.STALE and len(measured.answers.errors) == 1
    measured.worker.fault = None
    measured.settle()
    assert measured.session.state is State.RESULT and measured.session.result is not old


def test_a_worker_that_ends_in_the_midst_is_told_as_in_other_jobs(measured: Panel):
    measured.worker.fault = Failed("The process that measures ended unexpectedly.", "killed")
    measured.ui.relabelUpButton.click()
    measured.settle()
    assert measured.session.state is State.FAILED and measured.answers.errors == []
    assert measured.ui.messageLabel.text == "The process that measures ended unexpectedly."
    measured.worker.fault = None
    measured.ui.measureAgainButton.click()
    measured.settle()
    assert measured.session.state is State.RESULT
    assert measured.session.result.levels.vertebrae == sure().vertebrae


def test_cancel_leaves_scene_and_number_as_they_were(measured: Panel):
    session, nodes = measured.session, measured.scene.GetNumberOfNodes()
    result, masks, box = session.result, session.segmentation_node, tuple(session.box_node.GetCenter())
    measured.worker.holds_back = True
    measured.ui.relabelUpButton.click()
    assert measured.ui.cancelButton.isVisibleTo(measured.root) and not measured.ui.relabelUpButton.enabled
    measured.ui.cancelButton.click()
    measured.worker.holds_back = False
    measured.settle()
    assert measured.worker.cancelled and session.state is State.RESULT and session.result is result
    assert session.segmentation_node is masks and tuple(session.box_node.GetCenter()) == box
    assert measured.scene.GetNumberOfNodes() == nodes


def test_hand_work_is_asked_about_before_it_is_replaced(measured: Panel):
    harness.paint(measured.session, "L2")
    measured.settle()
    edited = measured.session.result
    measured.answers.yes = False
    measured.ui.relabelUpButton.click()
    measured.settle()
    assert "edited by hand" in measured.answers.asked[0] and measured.session.result is edited
    measured.answers.yes = True
    measured.ui.relabelUpButton.click()
    measured.settle()
    assert measured.session.result.levels.moved == -1 and "edited_by_hand" not in codes(measured.session.result)


def test_masks_edited_after_the_names_were_moved_keep_them_moved(measured: Panel):
    measured.ui.relabelDownButton.click()
    measured.settle()
    moved = measured.session.result
    harness.paint(measured.session, "L1")
    measured.settle()
    edited = measured.session.result
    assert codes(edited) >= {"levels_moved_by_reader", "edited_by_hand"} and edited.levels == moved.levels
    measured.widget.results.use_boxes["T12"].click()
    measured.settle()
    assert "levels_moved_by_reader" in codes(measured.session.result)
    assert measured.session.other_edits.levels_moved == 1


def test_a_refusal_without_masks_can_be_moved_out_of():
    """The names say that T12 to L2 are not in the scan; the reader knows better."""
    panel = panel_on(replace(sure().moved_by(-3), moved=0))
    assert panel.session.state is State.REFUSED and panel.session.segmentation_node is None
    assert panel.ui.correctSection.enabled and panel.ui.relabelDownButton.enabled
    assert not panel.ui.editorContainer.enabled
    for _ in range(3):
        panel.ui.relabelDownButton.click()
        panel.settle()
    assert panel.session.state is State.RESULT
    panel.close()


def test_moved_names_come_back_with_the_scene_and_can_be_moved_back(measured: Panel, tmp_path):
    measured.ui.relabelUpButton.click()
    measured.settle()
    path = str(tmp_path / "case.mrb")
    assert measured.scene.WriteToMRB(path)
    other = Panel(scene=new_scene())
    assert other.scene.ReadFromMRB(path)
    assert "reader" in other.ui.levelsLabel.text and other.session.other_edits.levels_moved == -1
    harness.paint(other.session, "L1")
    other.settle()
    assert codes(other.session.result) >= {"levels_moved_by_reader", "edited_by_hand"}
    other.ui.relabelDownButton.click()
    other.settle()
    assert other.worker.jobs[-1] == "move" and other.session.result.levels.moved == 0
    other.close()


def test_the_table_of_the_scene_is_that_of_the_new_names(measured: Panel):
    measured.ui.relabelUpButton.click()
    measured.settle()
    session = measured.session
    assert not result_table.is_outdated(session.table_node)
    in_scene = result_table.result_of(session.table_node)
    assert in_scene.bmd_mg_cm3 == pytest.approx(session.result.bmd_mg_cm3, abs=0.01)
    for kind in ("vtkMRMLSegmentationNode", "vtkMRMLMarkupsROINode", "vtkMRMLTableNode"):
        assert measured.scene.GetNumberOfNodesByClass(kind) == 1
