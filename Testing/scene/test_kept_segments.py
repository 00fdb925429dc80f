"""Segments and the box as they were: put back into the node that is there, or into a new one."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("vtk")

from grids import rotated
from mrml import edit, made, new_scene, slicer, transform, turn
from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.scene import box
from OpportunisticBMDLib.scene.kept_segments import keep, put_back
from OpportunisticBMDLib.scene.segmentation import create_segmentation, labels_of, relabel
from OpportunisticBMDLib.scene.volumes import volume_of

GRID = Grid.axis_aligned((20, 18, 22), (1.5, 1.25, 2.0), (-10.0, 30.0, 200.0))
OBLIQUE = Grid(GRID.size, rotated(GRID.affine, degrees=(20, -10, 15)))


def names(node: slicer.vtkMRMLSegmentationNode) -> list[tuple[str, str]]:
    segmentation = node.GetSegmentation()
    return [(id_, segmentation.GetSegment(id_).GetName()) for id_ in segmentation.GetSegmentIDs()]


def erase_l2(node: slicer.vtkMRMLSegmentationNode, grid: Grid) -> None:
    """Leaves one corner of L2, in the volume's own voxels."""
    mask = labels_of(node, grid).array == 3
    mask[:, :, 4:] = False
    edit(node, "L2", Volume(mask, grid))


@pytest.mark.parametrize("grid", [GRID, OBLIQUE], ids=["straight", "oblique"])
def test_masks_come_back_voxel_for_voxel(grid: Grid):
    _, node, labels = made(grid)
    kept = keep(node, grid)
    erase_l2(node, grid)
    assert keep(node, grid) != kept
    put_back(node, kept, grid)
    assert (labels_of(node, grid).array == labels.array).all() and keep(node, grid) == kept


def test_names_and_the_segment_that_was_left_behind_come_back():
    _, node, _ = made(GRID)
    before, kept = names(node), keep(node, GRID)
    relabel(node, +1)
    after, moved = names(node), keep(node, GRID)
    put_back(node, kept, GRID)
    assert names(node) == before and keep(node, GRID) == kept
    put_back(node, moved, GRID)
    assert names(node) == after and keep(node, GRID) == moved


def test_colours_and_tags_come_back_and_what_is_shown_stays():
    _, node, _ = made(GRID)
    kept = keep(node, GRID)
    segment = node.GetSegmentation().GetSegment("L1")
    colour = segment.GetColor()
    segment.SetColor(0, 0, 0)
    segment.RemoveTag("OpportunisticBMD.Confidence")
    node.GetDisplayNode().SetSegmentVisibility("L1", False)
    put_back(node, kept, GRID)
    assert segment.GetColor() == colour and segment.HasTag("OpportunisticBMD.Confidence")
    assert not node.GetDisplayNode().GetSegmentVisibility("L1")


def test_masks_come_back_into_a_node_that_has_none():
    volume_node, node, labels = made(GRID)
    kept, scene = keep(node, GRID), node.GetScene()
    scene.RemoveNode(node)
    nothing = Segmentation(Volume(np.zeros(GRID.size, np.uint8), GRID), {})
    again = create_segmentation(scene, nothing, volume_node)
    put_back(again, kept, GRID)
    assert (labels_of(again, GRID).array == labels.array).all() and keep(again, GRID) == kept


def test_masks_that_overlap_come_back_so():
    _, node, labels = made(GRID)
    both = labels.array >= 2
    edit(node, "L1", Volume(both, GRID))
    kept = keep(node, GRID)
    assert kept.segments[1].mask.part.sum() == both.sum(), "L1 reaches over L2"
    erase_l2(node, GRID)
    put_back(node, kept, GRID)
    assert keep(node, GRID) == kept


def test_masks_follow_their_ct_where_both_were_moved():
    volume_node, node, labels = made(GRID)
    kept = keep(node, GRID)
    move = transform(node.GetScene(), turn())
    for moved in (volume_node, node):
        moved.SetAndObserveTransformNodeID(move.GetID())
    grid = volume_of(volume_node).grid
    assert keep(node, grid) == kept, "they lie on the same voxels"
    node.GetSegmentation().ClearSegment("L2")
    put_back(node, kept, grid)
    assert (labels_of(node, grid).array == labels.array).all()


def test_masks_that_were_moved_away_from_their_ct_are_other_masks():
    _, node, _ = made(GRID)
    kept = keep(node, GRID)
    node.SetAndObserveTransformNodeID(transform(node.GetScene(), turn()).GetID())
    assert keep(node, GRID) != kept


def test_under_a_transform_that_bends_nothing_is_kept():
    _, node, _ = made(GRID)
    bent = node.GetScene().AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    node.SetAndObserveTransformNodeID(bent.GetID())
    with pytest.raises(BadInput, match="bends"):
        keep(node, GRID)


BOX = Box(np.array([[-20.0, 30.0], [-60.0, -10.0], [100.0, 190.0]]), 0.87)


def test_a_box_comes_back_as_it_lay_moved_or_not():
    scene = new_scene()
    roi = box.create_roi(scene, BOX)
    localized = box.keep(roi)
    roi.GetObjectToNodeMatrix().DeepCopy(turn().ravel())
    roi.SetSize(30.0, 40.0, 50.0)
    moved = box.keep(roi)
    assert not moved.is_close(localized) and box.moved_by_hand(roi)
    box.put_back(roi, localized)
    assert box.keep(roi).is_close(localized) and not box.moved_by_hand(roi) and box.box_of(roi).score == BOX.score
    box.put_back(roi, moved)
    assert box.keep(roi).is_close(moved) and box.moved_by_hand(roi)
    again = box.create_roi(scene, moved)
    assert box.keep(again).is_close(moved) and box.moved_by_hand(again)


def test_a_box_under_a_transform_comes_back_where_it_was_seen():
    scene = new_scene()
    roi = box.create_roi(scene, BOX)
    roi.SetAndObserveTransformNodeID(transform(scene, turn()).GetID())
    kept, seen = box.keep(roi), box.box_of(roi)
    box.set_box(roi, BOX)
    box.put_back(roi, kept)
    assert roi.GetParentTransformNode() is None
    assert box.box_of(roi).ras_mm == pytest.approx(seen.ras_mm, abs=1e-3)
