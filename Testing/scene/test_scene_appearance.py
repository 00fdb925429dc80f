"""Masks that take the place of others are shown as the reader had set those."""

from __future__ import annotations

import numpy as np

from grids import GRIDS
from mrml import made, three_blocks
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.scene.appearance import show_alike
from OpportunisticBMDLib.scene.labelmap import SURFACE
from OpportunisticBMDLib.scene.segmentation import create_segmentation, relabel, segment_of_vertebra


def another(former, volume_node):
    return create_segmentation(former.GetScene(), three_blocks(GRIDS["oblique"]), volume_node)


def test_eyes_opacities_and_outlines_are_taken_over():
    volume_node, former, _ = made(GRIDS["oblique"])
    model = former.GetDisplayNode()
    model.SetVisibility2DFill(False)
    model.SetOpacity2DOutline(0.25)
    model.SetSegmentVisibility("T12", False)
    model.SetSegmentOpacity3D("L2", 0.5)
    node = another(former, volume_node)
    show_alike(node, former)
    display = node.GetDisplayNode()
    assert not display.GetVisibility2DFill() and display.GetOpacity2DOutline() == 0.25
    assert [display.GetSegmentVisibility(name) for name in ("T12", "L1", "L2")] == [False, True, True]
    assert display.GetSegmentOpacity3D("L2") == 0.5 and display.GetSegmentOpacity3D("L1") == 1.0


def test_hidden_masks_stay_hidden():
    volume_node, former, _ = made(GRIDS["oblique"])
    former.SetDisplayVisibility(False)
    node = another(former, volume_node)
    show_alike(node, former)
    assert not node.GetDisplayVisibility()


def test_an_eye_belongs_to_the_vertebra_whatever_its_segment_was_called_first():
    volume_node, former, _ = made(GRIDS["oblique"])
    relabel(former, 1)
    former.GetDisplayNode().SetSegmentVisibility(segment_of_vertebra(former, "L1"), False)
    node = another(former, volume_node)
    show_alike(node, former)
    shown = [node.GetDisplayNode().GetSegmentVisibility(name) for name in ("T12", "L1", "L2")]
    assert shown == [True, False, True]


def test_masks_that_were_taken_out_of_the_3d_view_stay_out_of_it():
    volume_node, former, _ = made(GRIDS["oblique"])
    former.GetSegmentation().RemoveRepresentation(SURFACE)
    node = another(former, volume_node)
    show_alike(node, former)
    assert not node.GetSegmentation().ContainsRepresentation(SURFACE)


def test_masks_that_were_never_shown_say_nothing():
    volume_node, former, labels = made(GRIDS["oblique"])
    bare = former.GetScene().AddNewNodeByClass("vtkMRMLSegmentationNode", "bare")
    empty = Segmentation(Volume(np.zeros_like(labels.array), labels.grid), {})
    node = create_segmentation(former.GetScene(), empty, volume_node)
    show_alike(node, bare)
    assert node.GetDisplayVisibility() and node.GetSegmentation().ContainsRepresentation(SURFACE)
