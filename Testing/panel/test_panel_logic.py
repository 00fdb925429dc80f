"""The panel's logic on the real scene: what is measured, when it is out of date, that no old number passes as new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import vtk

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from mrml import segment_editor, stroke
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.scene import result_table
from OpportunisticBMDLib.scene.segmentation import labels_of, segment_of_vertebra
from OpportunisticBMDLib.worker.messages import Failed
from OpportunisticBMDPanel.following.sessions import SETTLING_S
from OpportunisticBMDPanel.logic import PanelLogic
from OpportunisticBMDPanel.session import State
from OpportunisticBMDPanel.settings.settings import Settings
from OpportunisticBMDPanel.slicer.nodes import Nodes
from panel_bench import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def test_a_run_ends_with_masks_a_box_and_a_table(bench: Bench):
    session = bench.measured()
    assert session.state is State.RESULT
    assert session.result.vertebrae_used == ("L1", "L2")
    segmentation = session.segmentation_node.GetSegmentation()
    assert [segmentation.GetNthSegment(n).GetName() for n in range(3)] == ["T12", "L1", "L2"]
    assert session.box_node.GetNumberOfControlPoints() >= 0 and not session.box_moved
    assert result_table.result_of(session.table_node).bmd_mg_cm3 == pytest.approx(session.result.bmd_mg_cm3, abs=0.01)


def test_progress_is_told_before_the_result(bench: Bench):
    session = bench.logic.session(harness.patient(bench.scene))
    stages = []
    bench.logic.changed.connect(lambda s: stages.append((s.state, *s.progress)))
    bench.logic.compute(session)
    bench.settle()
    running = [(stage, share) for state, stage, share in stages if state is State.RUNNING and stage]
    assert running[0][0] == "localize" and running[-1][0] == "measure"
    assert [share for _, share in running] == sorted(share for _, share in running)


@pytest.mark.parametrize("orientation", ["oblique", "left-handed"])
def test_an_edit_on_a_tilted_volume_changes_its_vertebra_alone(bench: Bench, orientation: str):
    session = bench.measured(orientation=orientation)
    before = session.result.vertebrae
    harness.paint(session, "L2")
    bench.settle()
    after = session.result.vertebrae
    assert after["L2"].mask.volume_mm3 < before["L2"].mask.volume_mm3
    for name in ("T12", "L1"):
        own, former = after[name].mask, before[name].mask
        assert own.volume_mm3 == former.volume_mm3 and own.hu_mean == former.hu_mean


def test_an_edit_is_out_of_date_at_once_and_new_after_settling(bench: Bench):
    session = bench.measured()
    old = session.result.bmd_mg_cm3
    bench.told.clear()
    harness.paint(session, "L2")
    assert session.state is State.STALE
    assert result_table.is_outdated(session.table_node)
    bench.logic.tick()
    assert bench.worker.jobs == ["compute"], "a stroke that goes on is not measured"
    bench.settle()
    assert session.state is State.RESULT and session.result.bmd_mg_cm3 != old
    assert "edited_by_hand" in {r.code for r in session.result.reasons if r.vertebra == "L2"}
    assert not result_table.is_outdated(session.table_node)
    shown_as_new = [number for state, number in bench.told if state is State.RESULT]
    assert old not in shown_as_new, "the old number was shown as new"


def test_strokes_in_a_row_are_measured_once(bench: Bench):
    session = bench.measured()
    for _ in range(3):
        harness.paint(session, "L1")
        bench.clock.seconds += SETTLING_S / 2
        bench.logic.tick()
    bench.settle()
    assert bench.worker.jobs == ["compute", "measure"]


def test_an_edit_in_the_middle_of_a_measurement_outdates_its_answer(bench: Bench):
    session = bench.measured()
    harness.paint(session, "L2")
    bench.worker.holds_back = True
    bench.clock.seconds += 1
    bench.logic.tick()
    assert bench.worker.busy
    harness.paint(session, "L2")
    bench.worker.holds_back = False
    bench.logic.tick()
    assert session.state is State.STALE, "the answer belongs to masks that are no more"
    bench.settle()
    assert session.state is State.RESULT and bench.worker.jobs == ["compute", "measure", "measure"]
    grid = session.run.segmentation.labels.grid
    assert (session.run.segmentation.labels.array == labels_of(session.segmentation_node, grid).array).all()


def test_strokes_and_undo_of_the_segment_editor_move_the_number_there_and_back(bench: Bench):
    session = bench.measured()
    first = session.result
    labels = session.run.segmentation.labels.array
    node = session.segmentation_node
    editor = segment_editor(node, session.volume_node, segment_of_vertebra(node, "L2"))
    voxels = np.argwhere(labels == LABELS["L2"])
    stroke(editor, voxels[voxels[:, 2] < np.median(voxels[:, 2])], editor.ModificationModeRemove)
    assert session.state is State.STALE
    bench.settle()
    assert session.result.bmd_mg_cm3 != first.bmd_mg_cm3
    jobs = list(bench.worker.jobs)
    editor.Undo()
    bench.logic.tick()
    assert session.state in (State.STALE, State.RESULT)
    bench.settle()
    assert session.state is State.RESULT and session.result is first, "undo brings the old number back"
    assert bench.worker.jobs == jobs, "without measuring"
    assert result_table.result_of(session.table_node).bmd_mg_cm3 == pytest.approx(first.bmd_mg_cm3, abs=0.01)


def test_leaving_a_vertebra_out_applies_the_t12_rule_and_taking_it_back_undoes_it(bench: Bench):
    session = bench.measured()
    first = session.result
    bench.logic.use(session, "L2", False)
    assert session.state is State.STALE
    bench.settle()
    assert session.result.vertebrae_used == ("T12", "L1")
    assert "excluded_by_reader" in {r.code for r in session.result.reasons}
    bench.logic.use(session, "L2", True)
    bench.settle()
    assert session.result is first


def test_leaving_out_two_is_a_refusal_that_says_why(bench: Bench):
    session = bench.measured()
    bench.logic.use(session, "L1", False)
    bench.logic.use(session, "L2", False)
    bench.settle()
    assert session.state is State.REFUSED and session.result.bmd_mg_cm3 is None
    assert any("L1 and L2 were left out" in r.message for r in session.result.reasons if r.severity == "refusal")


def test_relabelling_moves_the_names_and_measures_anew(bench: Bench):
    session = bench.measured()
    before = session.result.vertebrae
    bench.logic.relabel(session, +1)
    assert session.state is State.STALE
    bench.settle()
    after = session.result.vertebrae
    assert after["L1"].mask.centroid_ras_mm == pytest.approx(before["T12"].mask.centroid_ras_mm)
    assert after["L2"].mask.centroid_ras_mm == pytest.approx(before["L1"].mask.centroid_ras_mm)
    assert not isinstance(after["T12"], MeasuredVertebra) and session.result.vertebrae_used == ("L1", "L2")
    bench.logic.relabel(session, -1)
    bench.settle()
    assert session.result.vertebrae["L2"].mask.volume_mm3 == before["L2"].mask.volume_mm3


def test_relabelling_beyond_the_spine_says_so_and_changes_nothing(bench: Bench):
    session = bench.measured()
    bench.logic.relabel(session, +1)
    bench.logic.relabel(session, +1)
    bench.settle()
    result = session.result
    with pytest.raises(BadInput, match="cannot be moved further"):
        bench.logic.relabel(session, +1)
    assert session.result is result


def test_a_moved_box_is_offered_and_segmented_in(bench: Bench):
    session = bench.measured()
    centre = np.array(session.box_node.GetCenter())
    session.box_node.SetCenter(*(centre + (0, 0, 15)))
    assert session.box_moved and session.state is State.RESULT
    bench.logic.segment_again(session)
    assert session.state is State.RUNNING
    bench.settle()
    assert bench.worker.jobs == ["compute", "segment"]
    assert "box_moved_by_hand" in {r.code for r in session.result.reasons}
    assert not session.box_moved
    assert session.result.vertebrae["L2"].mask.volume_mm3 < 12000, "the box now cuts through L2"
    harness.paint(session, "T12")
    bench.settle()
    assert "box_moved_by_hand" in {r.code for r in session.result.reasons}, "the box is remembered after an edit"


def test_a_box_with_nothing_in_it_is_refused(bench: Bench):
    session = bench.measured()
    session.box_node.SetCenter(0, 0, 900)
    bench.logic.segment_again(session)
    bench.settle()
    assert session.state is State.REFUSED and session.segmentation_node is None
    assert bench.count("vtkMRMLSegmentationNode") == 0


def test_two_volumes_keep_their_results_apart(bench: Bench):
    thin, dense = bench.measured("thin", bone_hu=90.0), bench.measured("dense", bone_hu=230.0)
    dense_result = dense.result
    assert thin.result.bmd_mg_cm3 < dense.result.bmd_mg_cm3
    harness.paint(thin, "L1")
    assert thin.state is State.STALE and dense.state is State.RESULT
    bench.logic.use(thin, "T12", False)
    bench.settle()
    assert dense.result is dense_result and dense.excluded == frozenset()
    assert bench.count("vtkMRMLTableNode") == 2
    assert result_table.result_of(dense.table_node).bmd_mg_cm3 == pytest.approx(dense_result.bmd_mg_cm3, abs=0.01)


def test_both_volumes_edited_are_both_measured(bench: Bench):
    one, two = bench.measured("one"), bench.measured("two")
    harness.paint(one, "L1")
    harness.paint(two, "L2")
    bench.settle()
    assert one.state is two.state is State.RESULT


def test_what_was_read_is_in_the_scene_and_follows_an_edit(bench: Bench):
    session = bench.measured()
    model = session.regions_node
    assert model.GetPolyData().GetNumberOfPoints() == 3 * 144
    model.SetDisplayVisibility(False)
    before = model.GetPolyData().GetBounds()
    harness.paint(session, "L2", voxels=3)
    bench.settle()
    assert session.regions_node is model and model.GetPolyData().GetBounds() != before
    assert not model.GetDisplayVisibility()  # as the reader left it


def test_computing_again_replaces_the_nodes(bench: Bench):
    session = bench.measured()
    harness.paint(session, "L2", voxels=2)
    bench.settle()
    assert bench.logic.has_edits(session)
    bench.logic.compute(session)
    bench.settle()
    assert not bench.logic.has_edits(session)
    assert "edited_by_hand" not in {r.code for r in session.result.reasons}
    for kind in ("vtkMRMLSegmentationNode", "vtkMRMLMarkupsROINode", "vtkMRMLTableNode"):
        assert bench.count(kind) == 1


def test_cancel_leaves_the_scene_as_it_was(bench: Bench):
    session = bench.logic.session(harness.patient(bench.scene))
    nodes = bench.scene.GetNumberOfNodes()
    bench.logic.warm_up()
    bench.worker.holds_back = True
    bench.logic.compute(session)
    bench.worker.tell("segment", 0.5)
    bench.logic.tick()
    assert session.state is State.RUNNING and session.progress == ("segment", 0.5)
    bench.logic.cancel()
    bench.worker.holds_back = False
    assert bench.worker.cancelled and session.state is State.READY
    bench.settle()
    assert session.result is None and bench.scene.GetNumberOfNodes() == nodes
    bench.logic.compute(session)
    bench.settle()
    assert session.state is State.RESULT, "it can be computed after a cancel"


def test_a_cancelled_run_over_masks_that_were_being_measured_leaves_no_old_number(bench: Bench):
    session = bench.measured()
    old = session.result.bmd_mg_cm3
    harness.paint(session, "L2", voxels=2)
    bench.worker.holds_back = True
    bench.clock.seconds += 1
    bench.logic.tick()
    assert bench.worker.jobs[-1] == "measure"
    bench.logic.compute(session)
    bench.logic.cancel()
    assert session.state is State.STALE
    bench.worker.holds_back = False
    bench.settle()
    assert session.state is State.RESULT and session.result.bmd_mg_cm3 != old


def test_cancel_leaves_the_measurement_of_another_volume_alone(bench: Bench):
    session = bench.measured()
    old = session.result.bmd_mg_cm3
    harness.paint(session, "L2", voxels=2)
    bench.worker.holds_back = True
    bench.clock.seconds += 1
    bench.logic.tick()
    assert bench.worker.jobs[-1] == "measure"
    bench.logic.compute(bench.logic.session(harness.patient(bench.scene, "second")))
    bench.logic.cancel()
    bench.worker.holds_back = False
    bench.settle()
    assert session.state is State.RESULT and session.result.bmd_mg_cm3 != old


def test_a_cancelled_run_after_a_failed_measurement_leaves_no_old_number(bench: Bench):
    session = bench.measured()
    old = session.result.bmd_mg_cm3
    bench.worker.fault = Failed("The process ended.", "killed")
    harness.paint(session, "L2", voxels=2)
    bench.settle()
    bench.worker.fault, bench.worker.holds_back = None, True
    bench.logic.compute(session)
    bench.logic.cancel()
    assert session.state is State.STALE
    bench.worker.holds_back = False
    bench.settle()
    assert session.state is State.RESULT and session.result.bmd_mg_cm3 != old


def test_a_run_that_fails_twice_says_so_and_keeps_saying_it(bench: Bench):
    session = bench.measured()
    bench.worker.fault = Failed("The process ended.", "killed")
    for _ in range(2):
        bench.logic.compute(session)
        bench.settle()
        assert session.state is State.FAILED and session.message == "The process ended."
    assert bench.worker.jobs == ["compute"] * 3


def test_cancelling_a_second_run_keeps_the_first_result(bench: Bench):
    session = bench.measured()
    result = session.result
    bench.worker.holds_back = True
    bench.logic.compute(session)
    bench.logic.cancel()
    assert session.state is State.RESULT and session.result is result


@pytest.mark.parametrize("kind", ["killed", "models", "memory", "no_space", "packages"])
def test_a_failure_is_a_sentence_and_can_be_tried_again(bench: Bench, kind: str):
    session = bench.logic.session(harness.patient(bench.scene))
    bench.logic.warm_up()
    bench.worker.fault = Failed("Something is missing; put it there.", kind)
    bench.logic.compute(session)
    bench.settle()
    assert session.state is State.FAILED and session.failure == kind
    assert session.message == "Something is missing; put it there."
    bench.worker.fault = None
    bench.logic.compute(session)
    bench.settle()
    assert session.state is State.RESULT and session.message == ""


def test_a_failed_measurement_hides_the_old_number_until_it_succeeds(bench: Bench):
    session = bench.measured()
    bench.worker.fault = Failed("The process ended.", "killed")
    harness.paint(session, "L2")
    bench.settle()
    assert session.state is State.FAILED
    assert result_table.is_outdated(session.table_node)
    bench.worker.fault = None
    bench.logic.measure_again(session)
    bench.settle()
    assert session.state is State.RESULT and session.result.vertebrae["L2"].mask.volume_mm3 < 14000


def test_a_volume_that_is_no_ct_fails_with_a_sentence(bench: Bench):
    node = bench.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    session = bench.logic.session(node)
    bench.logic.compute(session)
    bench.settle()
    assert session.state is State.FAILED and "no voxels" in session.message


def test_two_segments_of_one_vertebra_are_a_sentence_and_healed_by_the_next_edit(bench: Bench):
    session = bench.measured()
    segmentation = session.segmentation_node.GetSegmentation()
    extra = segmentation.AddEmptySegment("again", "L1")
    bench.settle()
    assert session.state is State.FAILED and "2 segments for L1" in session.message
    segmentation.RemoveSegment(extra)
    bench.settle()
    assert session.state is State.RESULT


def test_closing_the_scene_in_the_middle_of_a_run_brings_nothing_into_the_next(bench: Bench):
    session = bench.logic.session(harness.patient(bench.scene))
    bench.logic.warm_up()
    bench.worker.holds_back = True
    bench.logic.compute(session)
    bench.logic.tick()
    bench.logic.scene_closing()
    bench.scene.Clear(False)
    bench.worker.holds_back = False
    assert bench.worker.cancelled
    bench.settle()
    assert bench.count("vtkMRMLSegmentationNode") == 0 and bench.count("vtkMRMLTableNode") == 0


def test_removing_the_volume_stops_its_run(bench: Bench):
    volume = harness.patient(bench.scene)
    session = bench.logic.session(volume)
    bench.logic.warm_up()
    bench.worker.holds_back = True
    bench.logic.compute(session)
    bench.scene.RemoveNode(volume)
    bench.logic.node_removed(volume)
    assert bench.worker.cancelled
    bench.worker.holds_back = False
    bench.settle()
    assert bench.count("vtkMRMLTableNode") == 0


def test_removing_the_masks_leaves_a_volume_that_can_be_computed(bench: Bench):
    session = bench.measured()
    node = session.segmentation_node
    bench.scene.RemoveNode(node)
    bench.logic.node_removed(node)
    assert session.state is State.READY and session.result is None
    bench.logic.compute(session)
    bench.settle()
    assert session.state is State.RESULT


def test_masks_that_were_removed_while_it_ran_have_no_number_when_it_is_cancelled(bench: Bench):
    session = bench.measured()
    bench.worker.holds_back = True
    bench.logic.compute(session)
    node = session.segmentation_node
    bench.scene.RemoveNode(node)
    bench.logic.node_removed(node)
    assert session.state is State.RUNNING, "the run does not need them"
    bench.logic.cancel()
    assert session.state is State.READY and session.result is None
    bench.worker.holds_back = False
    bench.logic.compute(session)
    bench.settle()
    assert session.state is State.RESULT


def test_names_are_not_moved_where_the_masks_were_removed_while_that_waited(bench: Bench):
    session, second = bench.measured(), bench.logic.session(harness.patient(bench.scene, "second"))
    bench.worker.holds_back = True
    bench.logic.compute(second)
    bench.logic.move_levels(session, 1)
    node = session.segmentation_node
    bench.scene.RemoveNode(node)
    bench.logic.node_removed(node)
    bench.worker.holds_back = False
    bench.settle()
    assert session.state is State.READY and second.state is State.RESULT


def test_changing_the_voxels_measures_anew(bench: Bench, monkeypatch):
    session = bench.measured(bone_hu=100.0)
    before = session.result.bmd_mg_cm3
    denser = harness.patient(bench.scene, "denser", bone_hu=220.0)
    session.volume_node.SetAndObserveImageData(denser.GetImageData())
    assert session.state is State.STALE
    seen: list = []
    measure = bench.worker.measure
    monkeypatch.setattr(bench.worker, "measure", lambda *job: (seen.append(job[-1]), measure(*job)))
    bench.settle()
    assert session.result.bmd_mg_cm3 > before + 20
    assert seen == [None], "contrast and line were those of other voxels"
    harness.paint(session, "L2", voxels=2)
    bench.settle()
    assert seen[1] is not None


def test_an_answer_on_former_voxels_is_not_remembered(bench: Bench):
    """It comes after the voxels were changed, and before the same masks are measured on the new ones."""
    session = bench.measured(bone_hu=100.0)
    before = session.result.bmd_mg_cm3
    harness.paint(session, "L2")
    bench.worker.holds_back = True
    bench.clock.seconds += 1
    bench.logic.tick()
    assert bench.worker.busy
    denser = harness.patient(bench.scene, "denser", bone_hu=220.0)
    session.volume_node.SetAndObserveImageData(denser.GetImageData())
    bench.worker.holds_back = False
    bench.settle()
    assert session.result.bmd_mg_cm3 > before + 20


def test_a_volume_that_was_moved_is_measured_where_it_lies(bench: Bench):
    session = bench.measured()
    moved = bench.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 2.0)
    moved.SetMatrixTransformToParent(matrix)
    session.volume_node.SetAndObserveTransformNodeID(moved.GetID())
    harness.paint(session, "L2")
    bench.settle()
    assert session.state is State.RESULT


def shift(bench: Bench, *nodes: Any) -> None:
    """Puts nodes under a transform that moves them by a few mm, so that every voxel is beside where it was."""
    moved = bench.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 9.0)
    moved.SetMatrixTransformToParent(matrix)
    for node in nodes:
        node.SetAndObserveTransformNodeID(moved.GetID())


def test_a_volume_that_is_moved_away_from_its_masks_is_measured_anew(bench: Bench):
    session = bench.measured()
    old = session.result
    shift(bench, session.volume_node)
    assert session.state is State.STALE
    bench.settle()
    assert session.state is session.settled and session.result.bmd_mg_cm3 != old.bmd_mg_cm3


def test_a_volume_that_is_moved_while_it_runs_is_measured_where_it_lies(bench: Bench):
    bench.logic.warm_up()
    bench.worker.holds_back = True
    session = bench.logic.session(harness.patient(bench.scene))
    bench.logic.compute(session)
    shift(bench, session.volume_node)
    bench.worker.holds_back = False
    bench.settle()
    assert bench.worker.jobs == ["compute", "measure"]
    lies = Nodes(bench.scene).grid(session)
    assert session.state is session.settled and session.masks.labels.grid.is_close(lies)


def test_a_volume_that_is_bent_while_it_runs_fails_with_a_sentence(bench: Bench):
    bench.logic.warm_up()
    bench.worker.holds_back = True
    session = bench.logic.session(harness.patient(bench.scene))
    bench.logic.compute(session)
    bent = bench.scene.AddNewNodeByClass("vtkMRMLGridTransformNode", "Bend")
    session.volume_node.SetAndObserveTransformNodeID(bent.GetID())
    bench.worker.holds_back = False
    bench.settle()
    assert session.state is State.FAILED and "bends it" in session.message
    session.volume_node.SetAndObserveTransformNodeID(None)
    bench.logic.compute(session)
    bench.settle()
    assert session.state is State.RESULT


def test_a_volume_with_another_origin_is_measured_anew(bench: Bench):
    """As "Center volume" in the Volumes module gives it."""
    session = bench.measured()
    x, y, z = session.volume_node.GetOrigin()
    session.volume_node.SetOrigin(x, y, z + 9.0)
    assert session.state is State.STALE


def test_a_volume_under_a_transform_that_bends_shows_no_number(bench: Bench):
    session = bench.measured()
    bent = bench.scene.AddNewNodeByClass("vtkMRMLGridTransformNode", "Bend")
    session.volume_node.SetAndObserveTransformNodeID(bent.GetID())
    bench.settle()
    assert session.state is State.FAILED and "bends it" in session.message
    session.volume_node.SetAndObserveTransformNodeID(None)
    bench.settle()
    assert session.state is State.RESULT


def test_what_moves_with_its_masks_keeps_its_number_and_is_read_where_it_lies(bench: Bench):
    session = bench.measured()
    old = session.result
    shift(bench, session.volume_node, session.segmentation_node, session.box_node)
    bench.settle()
    assert session.result.bmd_mg_cm3 == pytest.approx(old.bmd_mg_cm3, abs=0.01)
    before, now = (result.vertebrae["L1"].middle.region.centre_ras for result in (old, session.result))
    assert np.subtract(now, before) == pytest.approx((0.0, 0.0, 9.0), abs=0.01)


def test_new_thresholds_are_a_new_category(bench: Bench):
    session = bench.measured()
    assert session.result.category == "osteopenia"  # 150 HU are 117 mg/cm3
    old_worker = bench.worker
    above = session.result.bmd_mg_cm3 + 10.0
    bench.logic.apply(Settings(osteoporosis_mg_cm3=above, osteopenia_mg_cm3=above + 40.0))
    assert old_worker.closed and session.state is State.STALE
    bench.settle()
    assert session.result.category == "osteoporosis" and session.result.thresholds.osteopenia == above + 40.0


def test_settings_wait_for_the_end_of_a_run(bench: Bench):
    bench.logic.warm_up()
    bench.worker.holds_back = True
    bench.logic.compute(bench.logic.session(harness.patient(bench.scene)))
    with pytest.raises(RuntimeError, match="in the middle of a run"):
        bench.logic.apply(Settings(device="cpu"))


def saved_and_loaded(bench: Bench, tmp_path) -> tuple[PanelLogic, object]:
    """The scene as .mrb, loaded into an empty one by a new panel."""
    logic = bench.saved_and_loaded(str(tmp_path / "case.mrb"))
    volume = bench.scene.GetFirstNodeByName("CT")
    return logic, logic.session(volume)


def test_a_saved_scene_brings_the_result_back_and_it_can_be_edited(bench: Bench, tmp_path):
    session = bench.measured()
    harness.paint(session, "L2")
    bench.logic.use(session, "T12", False)
    bench.settle()
    saved = session.result
    logic, again = saved_and_loaded(bench, tmp_path)
    assert again.state is State.RESULT
    assert again.result.bmd_mg_cm3 == pytest.approx(saved.bmd_mg_cm3, abs=0.01)
    assert again.excluded == {"T12"} and again.other_edits.edited == {"L2"}
    assert again.box_node is not None and not again.box_moved
    harness.paint(again, "L1")
    assert again.state is State.STALE
    bench.settle(logic)
    assert again.state is State.RESULT
    edited = {r.vertebra for r in again.result.reasons if r.code == "edited_by_hand"}
    assert edited == {"L1", "L2"}


def test_a_scene_saved_before_the_new_number_is_measured_when_it_is_loaded(bench: Bench, tmp_path):
    session = bench.measured()
    harness.paint(session, "L2", voxels=2)
    assert session.state is State.STALE
    logic, again = saved_and_loaded(bench, tmp_path)
    assert again.state is State.STALE
    bench.settle(logic)
    assert again.state is State.RESULT
    assert again.result.vertebrae["L2"].mask.volume_mm3 < session.result.vertebrae["L2"].mask.volume_mm3


def test_a_scene_whose_masks_cannot_be_read_says_so_and_is_measured_when_they_can(bench: Bench, tmp_path):
    session = bench.measured()
    segmentation = session.segmentation_node.GetSegmentation()
    segmentation.GetNthSegment(1).SetName("T12")
    logic, again = saved_and_loaded(bench, tmp_path)
    bench.settle(logic)
    assert again.state is State.FAILED and "2 segments for T12" in again.message
    again.segmentation_node.GetSegmentation().GetNthSegment(1).SetName("L1")
    bench.settle(logic)
    assert again.state is State.RESULT
    assert again.result.bmd_mg_cm3 == pytest.approx(session.result.bmd_mg_cm3, abs=0.01)


def test_a_box_under_a_transform_that_bends_counts_as_moved_and_is_not_segmented_in(bench: Bench):
    session = bench.measured()
    bent = bench.scene.AddNewNodeByClass("vtkMRMLGridTransformNode", "Bend")
    session.box_node.SetAndObserveTransformNodeID(bent.GetID())
    bench.settle()
    assert session.state is State.RESULT and session.box_moved
    bench.logic.segment_again(session)
    bench.settle()
    assert session.state is State.FAILED and "box lies under a transform that bends it" in session.message


def test_voxels_that_were_changed_while_it_ran_are_measured(bench: Bench):
    """The run's number is that of the former voxels: it is never shown as if it were that of the new ones."""
    session = bench.logic.session(harness.patient(bench.scene, bone_hu=100.0))
    bench.logic.warm_up()
    bench.worker.holds_back = True
    bench.logic.compute(session)
    denser = harness.patient(bench.scene, "denser", bone_hu=220.0)
    session.volume_node.SetAndObserveImageData(denser.GetImageData())
    bench.worker.holds_back = False
    bench.settle()
    assert session.state is State.RESULT and session.result.category == "normal"
    assert {number for state, number in bench.told if state is State.RESULT} == {session.result.bmd_mg_cm3}
