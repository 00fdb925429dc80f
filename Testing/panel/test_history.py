"""Undo and redo of the panel's steps: what is shown is what was shown, with its own number, and nothing is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import vtk

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from mrml import segment_editor, stroke
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.scene import box, result_table
from OpportunisticBMDLib.scene.segmentation import labels_of, segment_of_vertebra
from OpportunisticBMDLib.worker.messages import Failed
from OpportunisticBMDPanel.history import STEPS, History, Snapshot
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.settings.settings import Settings
from panel_bench import Bench

KILLED = Failed("The process that measures ended unexpectedly.", "killed")


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


class Shown:
    """All that the reader sees of a volume."""

    def __init__(self, session: Session) -> None:
        segmentation = session.segmentation_node.GetSegmentation()
        self.names = [(id_, segmentation.GetSegment(id_).GetName()) for id_ in segmentation.GetSegmentIDs()]
        grid = session.masks.labels.grid
        self.labels = labels_of(session.segmentation_node, grid).array
        self.measured = session.masks.labels.array
        self.result, self.state, self.excluded = session.result, session.state, session.excluded
        self.edited = session.edits(session.masks.labels).edited
        self.box = box.box_of(session.box_node)
        self.box_moved = session.box_moved
        self.table = result_table.result_of(session.table_node).bmd_mg_cm3
        self.is_outdated = result_table.is_outdated(session.table_node)

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Shown)
        assert self.names == other.names
        assert (self.labels == other.labels).all() and (self.measured == other.measured).all()
        assert self.result is other.result, "the result is kept, not computed anew"
        assert (self.state, self.excluded, self.edited) == (other.state, other.excluded, other.edited)
        assert self.box.ras_mm == pytest.approx(other.box.ras_mm, abs=1e-3)
        assert (self.box_moved, self.box.score) == (other.box_moved, other.box.score)
        assert (self.table, self.is_outdated) == (other.table, other.is_outdated)
        return True


def leave_l1_out(bench: Bench, session: Session) -> None:
    bench.logic.use(session, "L1", False)


def edit_l2(bench: Bench, session: Session) -> None:
    harness.paint(session, "L2", voxels=2)


def rename(bench: Bench, session: Session) -> None:
    bench.logic.relabel(session, +1)


def move_levels(bench: Bench, session: Session) -> None:
    bench.logic.move_levels(session, +1)


def compute_again(bench: Bench, session: Session) -> None:
    bench.logic.compute(session)


def move_box(bench: Bench, session: Session) -> None:
    session.box_node.SetCenter(*(np.array(session.box_node.GetCenter()) + (0, 0, 15)))


def turn_box(bench: Bench, session: Session) -> None:
    turned = vtk.vtkTransform()
    turned.Concatenate(session.box_node.GetObjectToNodeMatrix())
    turned.RotateZ(20)
    session.box_node.GetObjectToNodeMatrix().DeepCopy(turned.GetMatrix())


def segment_again(bench: Bench, session: Session) -> None:
    move_box(bench, session)
    bench.settle()
    bench.logic.segment_again(session)


CHANGES = [leave_l1_out, edit_l2, rename, move_levels, compute_again, move_box, turn_box]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_step_is_undone_and_redone_without_computing(bench: Bench, change: Callable[[Bench, Session], None]):
    session = bench.measured()
    before = Shown(session)
    change(bench, session)
    bench.settle()
    after, jobs = Shown(session), list(bench.worker.jobs)
    bench.logic.undo(session)
    assert Shown(session) == before
    bench.settle()
    assert Shown(session) == before, "what follows changes nothing"
    bench.logic.redo(session)
    bench.settle()
    assert Shown(session) == after
    assert bench.worker.jobs == jobs


def test_every_step_of_many_is_undone_and_redone_in_its_order(bench: Bench):
    session = bench.measured()
    shown = [Shown(session)]
    for change in (leave_l1_out, edit_l2, move_box, rename, compute_again, edit_l2):
        change(bench, session)
        bench.settle()
        shown.append(Shown(session))
    jobs = list(bench.worker.jobs)
    for expected in reversed(shown[:-1]):
        bench.logic.undo(session)
        assert Shown(session) == expected
    for expected in shown[1:]:
        bench.logic.redo(session)
        assert Shown(session) == expected
    bench.settle()
    assert bench.worker.jobs == jobs and session.history.to_redo is None


def test_segmenting_again_and_the_box_that_was_moved_for_it_are_two_steps(bench: Bench):
    session = bench.measured()
    before = Shown(session)
    segment_again(bench, session)
    bench.settle()
    bench.logic.undo(session)
    assert session.box_moved and session.result is before.result
    bench.logic.undo(session)
    assert Shown(session) == before


def test_a_box_that_is_still_being_dragged_is_one_step_of_its_own_before_the_run(bench: Bench):
    session = bench.measured()
    before = Shown(session)
    move_box(bench, session)
    move_box(bench, session)
    bench.logic.segment_again(session)
    bench.settle()
    bench.logic.undo(session)
    bench.logic.undo(session)
    assert Shown(session) == before


def test_undoing_the_first_run_empties_the_scene_and_redo_fills_it_again(bench: Bench):
    volume = harness.patient(bench.scene)
    nodes = bench.scene.GetNumberOfNodes()
    session = bench.logic.session(volume)
    assert session.history.to_undo is None
    bench.logic.compute(session)
    bench.settle()
    after = Shown(session)
    bench.logic.undo(session)
    assert session.state is State.READY and session.result is None and session.history.to_undo is None
    kinds = ("vtkMRMLSegmentationNode", "vtkMRMLMarkupsROINode", "vtkMRMLTableNode", "vtkMRMLModelNode")
    assert [bench.count(kind) for kind in kinds] == [0, 0, 0, 0] and bench.scene.GetNumberOfNodes() >= nodes
    bench.logic.redo(session)
    assert Shown(session) == after
    assert [bench.count(kind) for kind in kinds] == [1, 1, 1, 1] and bench.worker.jobs == ["compute"]
    harness.paint(session, "L2")
    assert session.state is State.STALE, "the masks are followed again"


def test_a_new_step_drops_what_was_undone(bench: Bench):
    session = bench.measured()
    leave_l1_out(bench, session)
    bench.settle()
    bench.logic.undo(session)
    assert session.history.to_redo is not None
    edit_l2(bench, session)
    bench.settle()
    assert session.history.to_redo is None
    shown = Shown(session)
    bench.logic.redo(session)
    assert Shown(session) == shown


def test_cancelled_declined_and_failed_runs_are_no_steps(bench: Bench):
    session = bench.measured()
    leave_l1_out(bench, session)
    bench.settle()
    step = session.history.to_undo
    bench.worker.holds_back = True
    bench.logic.compute(session)
    bench.logic.cancel()
    bench.worker.holds_back = False
    bench.logic.move_levels(session, +3)
    bench.settle()
    bench.worker.fault = KILLED
    bench.logic.compute(session)
    bench.settle()
    assert session.state is State.FAILED and session.history.to_undo == step


def test_nothing_is_undone_while_it_runs(bench: Bench):
    session = bench.measured()
    leave_l1_out(bench, session)
    bench.settle()
    bench.worker.holds_back = True
    bench.logic.compute(session)
    bench.logic.undo(session)
    bench.logic.redo(session)
    assert session.state is State.RUNNING and session.excluded == {"L1"}
    bench.logic.cancel()
    bench.worker.holds_back = False


def test_masks_that_are_not_measured_yet_are_undone_and_redone_too(bench: Bench):
    session = bench.measured()
    before = Shown(session)
    bench.worker.holds_back = True
    edit_l2(bench, session)
    labels = labels_of(session.segmentation_node, session.masks.labels.grid).array
    bench.logic.undo(session)
    assert Shown(session) == before
    bench.logic.redo(session)
    assert session.state is State.STALE, "these masks have no number"
    assert (labels_of(session.segmentation_node, session.masks.labels.grid).array == labels).all()
    bench.worker.holds_back = False
    bench.settle()
    assert session.state is State.RESULT and (session.masks.labels.array == labels).all()
    bench.logic.undo(session)
    assert Shown(session) == before


@pytest.mark.parametrize("fault", [None, KILLED], ids=["answer", "failure"])
def test_what_comes_of_a_measurement_after_the_undo_is_not_shown(bench: Bench, fault: Failed | None):
    session = bench.measured()
    before = Shown(session)
    bench.worker.holds_back = True
    edit_l2(bench, session)
    bench.clock.seconds += 1
    bench.logic.tick()
    assert bench.worker.busy
    bench.worker.fault = fault
    bench.logic.undo(session)
    bench.worker.holds_back = False
    bench.settle()
    assert Shown(session) == before


def test_a_failed_measurement_is_undone(bench: Bench):
    session = bench.measured()
    before = Shown(session)
    bench.worker.fault = KILLED
    edit_l2(bench, session)
    bench.settle()
    assert session.state is State.FAILED
    bench.logic.undo(session)
    assert Shown(session) == before
    bench.worker.fault = None
    bench.logic.redo(session)
    bench.settle()
    assert session.state is State.RESULT and session.result is not before.result


def test_after_undo_of_the_segment_editor_the_panel_has_two_steps(bench: Bench):
    session = bench.measured()
    node, first = session.segmentation_node, Shown(session)
    editor = segment_editor(node, session.volume_node, segment_of_vertebra(node, "L2"))
    voxels = np.argwhere(first.labels == LABELS["L2"])
    stroke(editor, voxels[voxels[:, 2] < np.median(voxels[:, 2])], editor.ModificationModeRemove)
    bench.settle()
    drawn = Shown(session)
    editor.Undo()
    bench.logic.tick()
    bench.settle()
    assert session.result is first.result
    bench.logic.undo(session)
    assert Shown(session) == drawn
    bench.logic.undo(session)
    assert Shown(session) == first
    editor.Undo()
    bench.logic.tick()
    bench.settle()
    assert session.state is State.RESULT


def test_new_settings_measure_what_is_undone_again(bench: Bench):
    session = bench.measured()
    bench.logic.use(session, "L2", False)
    bench.settle()
    assert session.result.category == "osteopenia"
    above = session.result.bmd_mg_cm3 + 10.0
    bench.logic.apply(Settings(osteoporosis_mg_cm3=above, osteopenia_mg_cm3=above + 40.0))
    bench.settle()
    assert session.result.category == "osteoporosis"
    assert session.history.to_undo is not None, "the settings themselves are no step"
    bench.told.clear()
    bench.logic.undo(session)
    assert session.state is State.STALE
    bench.settle()
    assert session.state is State.RESULT and session.result.vertebrae_used == ("L1", "L2")
    assert session.result.category == "osteoporosis" and session.result.thresholds.osteoporosis == above
    assert session.history.to_undo is not None and session.history.to_redo is not None
    assert {number for state, number in bench.told if state is State.RESULT} == {session.result.bmd_mg_cm3}


def test_what_was_undone_before_new_settings_is_measured_again_when_redone(bench: Bench):
    session = bench.measured()
    bench.logic.use(session, "L2", False)
    bench.settle()
    bench.logic.undo(session)
    bench.logic.apply(Settings(osteoporosis_mg_cm3=200.0, osteopenia_mg_cm3=240.0))
    bench.settle()
    bench.logic.redo(session)
    bench.settle()
    assert session.result.vertebrae_used == ("T12", "L1") and session.result.thresholds.osteoporosis == 200.0


def test_a_volume_that_was_moved_is_measured_again_when_a_step_is_undone(bench: Bench):
    session = bench.measured()
    edit_l2(bench, session)
    bench.settle()
    labels = session.history.to_undo[0].labels.array
    moved = bench.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 20.0)
    moved.SetMatrixTransformToParent(matrix)
    for node in (session.volume_node, session.segmentation_node):
        node.SetAndObserveTransformNodeID(moved.GetID())
    bench.settle()
    bench.logic.undo(session)
    assert session.state is State.STALE
    bench.settle()
    assert session.state is State.RESULT and (session.masks.labels.array == labels).all()


def test_other_voxels_leave_nothing_to_undo(bench: Bench):
    session = bench.measured()
    leave_l1_out(bench, session)
    bench.settle()
    denser = harness.patient(bench.scene, "denser", bone_hu=220.0)
    session.volume_node.SetAndObserveImageData(denser.GetImageData())
    bench.settle()
    assert session.history.to_undo is None
    shown = Shown(session)
    edit_l2(bench, session)
    bench.settle()
    bench.logic.undo(session)
    assert Shown(session) == shown, "from here on there is"


def test_undone_masks_go_into_the_node_that_is_there_and_stay_as_they_are_shown(bench: Bench):
    session = bench.measured()
    node = session.segmentation_node
    harness.paint(session, "L2")
    bench.settle()
    node.GetDisplayNode().SetSegmentVisibility("L1", False)
    session.box_node.SetDisplayVisibility(False)
    table, regions = session.table_node, session.regions_node
    bench.logic.undo(session)
    assert session.segmentation_node is node and not node.GetDisplayNode().GetSegmentVisibility("L1")
    assert not session.box_node.GetDisplayVisibility()
    assert session.table_node is table and session.regions_node is regions
    assert node.GetSegmentation().ContainsRepresentation("Closed surface"), "3D shows them again"


def test_the_neighbour_that_names_left_behind_comes_back(bench: Bench):
    session = bench.measured()
    rename(bench, session)
    bench.settle()
    renamed = Shown(session)
    assert "L3" in dict(renamed.names).values()
    bench.logic.compute(session)
    bench.settle()
    bench.logic.undo(session)
    assert Shown(session) == renamed
    bench.logic.relabel(session, -1)
    bench.settle()
    assert session.result.vertebrae["L2"].mask is not None, "what was called L3 meanwhile"


@pytest.mark.parametrize("kind", ["segmentation_node", "box_node", "table_node", "regions_node"])
def test_a_node_that_the_reader_deleted_comes_back(bench: Bench, kind: str):
    session = bench.measured()
    before = Shown(session)
    leave_l1_out(bench, session)
    bench.settle()
    node = getattr(session, kind)
    bench.scene.RemoveNode(node)
    bench.logic.node_removed(node)
    while session.history.to_undo is not None and session.result is not before.result:
        bench.logic.undo(session)
    assert Shown(session) == before
    assert bench.scene.IsNodePresent(getattr(session, kind))


def test_masks_of_the_readers_own_come_back_too(bench: Bench):
    session = bench.measured()
    segmentation = session.segmentation_node.GetSegmentation()
    segmentation.AddEmptySegment("aorta", "Aorta", [1.0, 0.0, 0.0])
    bench.settle()
    shown = Shown(session)
    bench.logic.compute(session)
    bench.settle()
    bench.logic.undo(session)
    assert Shown(session) == shown
    assert session.segmentation_node.GetSegmentation().GetSegment("aorta").GetColor() == (1.0, 0.0, 0.0)


def test_each_volume_has_steps_of_its_own(bench: Bench):
    one, two = bench.measured("one"), bench.measured("two", bone_hu=200.0)
    leave_l1_out(bench, one)
    bench.settle()
    edit_l2(bench, two)
    bench.settle()
    other = Shown(two)
    bench.logic.undo(one)
    assert one.excluded == frozenset() and Shown(two) == other
    bench.logic.undo(two)
    assert two.edits(two.masks.labels).edited == frozenset() and one.history.to_redo is not None


def test_a_closed_scene_and_a_removed_volume_leave_nothing_to_undo(bench: Bench):
    session = bench.measured()
    volume = session.volume_node
    bench.scene.RemoveNode(volume)
    bench.logic.node_removed(volume)
    again = bench.logic.session(bench.scene.AddNode(volume))
    assert again is not session and again.history.to_undo is None
    measured = bench.measured("other")
    bench.logic.scene_closing()
    bench.scene.Clear(False)
    assert bench.logic.session(harness.patient(bench.scene)) is not measured


def test_a_loaded_result_is_where_undo_ends(bench: Bench, tmp_path):
    session = bench.measured()
    leave_l1_out(bench, session)
    bench.settle()
    logic = bench.saved_and_loaded(str(tmp_path / "case.mrb"))
    loaded = logic.session(bench.scene.GetFirstNodeByName("CT"))
    assert loaded.history.to_undo is None
    before = Shown(loaded)
    logic.use(loaded, "L1", True)
    bench.settle(logic)
    logic.undo(loaded)
    assert Shown(loaded) == before


def test_under_a_transform_that_bends_the_reader_is_told_why_and_nothing_changes(bench: Bench):
    session = bench.measured()
    leave_l1_out(bench, session)
    bench.settle()
    shown, bent = Shown(session), bench.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    session.volume_node.SetAndObserveTransformNodeID(bent.GetID())
    with pytest.raises(BadInput, match="bends"):
        bench.logic.undo(session)
    session.volume_node.SetAndObserveTransformNodeID(None)
    bench.settle()
    assert Shown(session) == shown


def test_a_stroke_while_it_runs_is_measured_if_the_run_is_cancelled(bench: Bench):
    """The number of before would stand beside masks that it was not measured on."""
    session = bench.measured()
    bench.worker.holds_back = True
    bench.logic.compute(session)
    edit_l2(bench, session)
    assert session.state is State.RUNNING
    bench.logic.cancel()
    assert session.state is State.STALE
    bench.worker.holds_back = False
    bench.settle()
    assert session.state is State.RESULT and session.edits(session.masks.labels).edited == {"L2"}


def test_the_oldest_steps_are_forgotten():
    history = History()
    snapshots = [Snapshot() for _ in range(STEPS + 5)]
    for snapshot in snapshots:
        history.add(snapshot)
    undone = 0
    while history.to_undo is not None:
        history.undo()
        undone += 1
    assert undone == STEPS and history.present is snapshots[-STEPS - 1]
