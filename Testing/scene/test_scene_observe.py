"""Edits are heard once they change something, and never after the watch has ended."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from grids import GRIDS
from mrml import edit, made, segment_editor, slicer, stroke, transform, turn
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.scene.observe import SegmentationWatch
from OpportunisticBMDLib.scene.segmentation import relabel, set_labels


class Ear:
    def __init__(self) -> None:
        self.heard = 0

    def hear(self) -> None:
        self.heard += 1


@pytest.fixture
def watched():
    volume_node, node, labels = made(GRIDS["oblique"])
    ear = Ear()
    return volume_node, node, labels, ear, SegmentationWatch(node, ear.hear)


def shifted(labels: Volume, value: int = 2) -> Volume:
    return Volume(np.roll(labels.array == value, 5, axis=0), labels.grid)


def test_an_edit_is_heard(watched):
    _, node, labels, ear, _ = watched
    edit(node, "L1", shifted(labels))
    assert ear.heard


def test_an_edit_through_the_editors_own_logic_is_heard_and_so_are_undo_and_redo(watched):
    volume_node, node, _labels, ear, _ = watched
    logic = segment_editor(node, volume_node, "L1")
    ear.heard = 0
    stroke(logic, np.array([[15, 12, 9]]), logic.ModificationModeAdd)
    assert ear.heard
    ear.heard = 0
    logic.Undo()
    assert ear.heard
    ear.heard = 0
    logic.Redo()
    assert ear.heard


def test_names_segments_and_place_are_heard(watched):
    _, node, _, ear, _ = watched
    relabel(node, 1)
    assert ear.heard
    ear.heard = 0
    node.GetSegmentation().AddEmptySegment("liver", "liver")
    assert ear.heard
    ear.heard = 0
    node.GetSegmentation().RemoveSegment("liver")
    assert ear.heard
    ear.heard = 0
    node.SetAndObserveTransformNodeID(transform(node.GetScene(), turn()).GetID())
    assert ear.heard


def test_colours_surfaces_and_the_nodes_name_are_not(watched):
    _, node, _, ear, _ = watched
    node.GetSegmentation().GetSegment("L1").SetColor(1, 0, 0)
    node.GetDisplayNode().SetVisibility(False)
    node.SetName("Other")
    node.GetSegmentation().RemoveRepresentation("Closed surface")
    node.CreateClosedSurfaceRepresentation()
    assert not ear.heard


def test_what_gave_no_event_is_seen_by_looking(watched):
    _, node, _, ear, watch = watched
    voxels = node.GetSegmentation().GetSegment("L1").GetRepresentation("Binary labelmap").GetPointData().GetScalars()
    voxels.Fill(0)
    voxels.Modified()
    ear.heard = 0
    watch.check()
    heard = ear.heard
    watch.check()
    assert (heard, ear.heard) == (1, 1)


def test_changes_of_the_programs_own_are_not_heard(watched):
    volume_node, node, labels, ear, watch = watched
    with watch.paused():
        set_labels(node, Volume(np.roll(labels.array, 3, axis=1), labels.grid), volume_node)
        with watch.paused():
            relabel(node, 1)
    watch.check()
    assert not ear.heard
    edit(node, "T12", shifted(labels, 1))
    assert ear.heard


def test_a_pause_ends_also_with_an_error(watched):
    _, node, labels, ear, watch = watched
    with pytest.raises(RuntimeError), watch.paused():
        raise RuntimeError
    edit(node, "L1", shifted(labels))
    assert ear.heard


@pytest.mark.parametrize("end", ("close", "remove", "clear"))
def test_nothing_is_heard_after_the_end(watched, end):
    _, node, labels, ear, watch = watched
    scene = node.GetScene()
    if end == "close":
        watch.close()
        watch.close()
    elif end == "remove":
        scene.RemoveNode(node)
    else:
        scene.Clear(False)
    assert not watch.is_open
    ear.heard = 0
    edit(node, "L1", shifted(labels))
    watch.check()
    assert not ear.heard


def test_another_node_may_leave_the_scene(watched):
    volume_node, node, labels, ear, watch = watched
    node.GetScene().RemoveNode(volume_node)
    assert watch.is_open
    edit(node, "L1", shifted(labels))
    assert ear.heard


def test_closing_the_scene_leaves_no_observer():
    _, node, _ = made(GRIDS["canonical"])
    ear = Ear()
    watch = SegmentationWatch(node, ear.hear)
    ears, watches = weakref.ref(ear), weakref.ref(watch)
    node.GetScene().Clear(False)
    del ear, watch
    gc.collect()
    assert ears() is None and watches() is None


def test_what_happens_while_the_scene_is_closed_is_not_heard():
    """A transform that leaves before the segmentation moves it."""
    _, node, _ = made(GRIDS["canonical"])
    scene = node.GetScene()
    node.SetAndObserveTransformNodeID(transform(scene, turn()).GetID())
    ear = Ear()
    SegmentationWatch(node, ear.hear)
    scene.AddObserver(
        slicer.vtkMRMLScene.StartCloseEvent, lambda caller, event: node.SetAndObserveTransformNodeID(None)
    )
    scene.Clear(False)
    assert not ear.heard
