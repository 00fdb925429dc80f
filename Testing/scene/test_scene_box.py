"""The box goes into the scene as a ROI and comes back, also after it was dragged, turned or moved."""

from __future__ import annotations

import numpy as np
import pytest

from example_results import box_of as example_box
from grids import GRIDS
from mrml import ct_on, new_scene, slicer, transform, turn
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.scene.box import box_of, create_roi, moved_by_hand, set_box
from OpportunisticBMDLib.scene.placement import matrix_of
from OpportunisticBMDLib.scene.volumes import node_from_volume


def made():
    scene = new_scene()
    roi = create_roi(scene, example_box())
    roi.kept_alive = scene
    return scene, roi


def enclosing(ras_mm: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """(3, 2) around the eight corners, each moved by itself."""
    corners = [affine @ (r, a, s, 1) for r in ras_mm[0] for a in ras_mm[1] for s in ras_mm[2]]
    return np.stack((np.min(corners, axis=0)[:3], np.max(corners, axis=0)[:3]), axis=1)


def test_the_box_comes_back_as_it_was():
    _, roi = made()
    read = box_of(roi)
    assert read.ras_mm == pytest.approx(example_box().ras_mm)
    assert read.score == example_box().score
    assert not moved_by_hand(roi)
    assert roi.GetName() == "T12-L2 box"


def test_slicer_shows_the_box_where_it_is():
    _, roi = made()
    bounds = [0.0] * 6
    roi.GetRASBounds(bounds)
    assert bounds == pytest.approx(example_box().ras_mm.ravel().tolist())
    assert not roi.GetDisplayNode().GetFillVisibility()


def test_a_box_that_was_dragged_is_the_readers():
    _, roi = made()
    roi.SetCenter(*(np.array(roi.GetCenter()) + (0, 0, 12)))
    roi.SetSize(50, 60, 90)
    read = box_of(roi)
    assert read.ras_mm == pytest.approx(
        np.stack((read.centre_ras - (25, 30, 45), read.centre_ras + (25, 30, 45)), axis=1)
    )
    assert read.centre_ras[2] == pytest.approx(example_box().centre_ras[2] + 12)
    assert read.score == 1 and moved_by_hand(roi)


def test_a_box_that_was_turned_gives_the_box_around_it():
    _, roi = made()
    roi.SetAndObserveObjectToNodeMatrix(matrix_of(turn()))
    sides = example_box().ras_mm[:, 1] - example_box().ras_mm[:, 0]
    centred = np.stack((-sides / 2, sides / 2), axis=1)
    assert box_of(roi).ras_mm == pytest.approx(enclosing(centred, turn()))


def test_a_box_under_a_transform_gives_the_box_around_it():
    scene, roi = made()
    roi.SetAndObserveTransformNodeID(transform(scene, turn()).GetID())
    assert box_of(roi).ras_mm == pytest.approx(enclosing(example_box().ras_mm, turn()))
    assert moved_by_hand(roi)


def test_a_box_under_a_bending_transform_is_refused():
    scene, roi = made()
    roi.SetAndObserveTransformNodeID(scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Bend").GetID())
    with pytest.raises(BadInput, match="bends it"):
        box_of(roi)


def test_a_box_of_no_size_is_refused():
    roi = new_scene().AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
    with pytest.raises(BadInput, match="R has no extent"):
        box_of(roi)


def test_a_roi_of_the_readers_own_is_read_too():
    roi = new_scene().AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
    roi.SetCenter(1, 2, 3)
    roi.SetSize(10, 20, 30)
    assert box_of(roi).ras_mm.tolist() == [[-4, 6], [-8, 12], [-12, 18]]
    assert moved_by_hand(roi)


def test_a_new_finding_puts_the_box_straight_again():
    scene, roi = made()
    roi.SetAndObserveObjectToNodeMatrix(matrix_of(turn()))
    roi.SetAndObserveTransformNodeID(transform(scene, turn()).GetID())
    found = example_box((3.0, -20.0, 88.0))
    set_box(roi, found)
    assert box_of(roi).ras_mm == pytest.approx(found.ras_mm)
    assert not moved_by_hand(roi)


def test_the_box_lies_beside_its_volume():
    scene = new_scene()
    volume_node = node_from_volume(scene, ct_on(GRIDS["canonical"]), "CT")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.CreateItem(study, volume_node)
    roi = create_roi(scene, example_box(), volume_node=volume_node)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(roi)) == study
