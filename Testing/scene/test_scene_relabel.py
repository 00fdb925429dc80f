""" "This is L1, not T12": names move by one vertebra, voxels stay where they are."""

from __future__ import annotations

import numpy as np
import pytest

from grids import GRIDS, every_grid
from mrml import edit, made, slicer
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.dicom.codes import NEIGHBOUR_COLOUR, SEGMENT_COLOURS
from OpportunisticBMDLib.dicom.terminology import codes_in
from OpportunisticBMDLib.scene.segmentation import (
    labels_of,
    relabel,
    segment_of_vertebra,
    segmentation_of,
    vertebra_of_segment,
)


def names(node) -> list[str]:
    segmentation = node.GetSegmentation()
    return [segmentation.GetSegment(id_).GetName() for id_ in segmentation.GetSegmentIDs()]


def segment_named(node, name: str):
    return node.GetSegmentation().GetSegment(segment_of_vertebra(node, name))


@every_grid
def test_what_was_t12_is_l1(grid):
    _, node, labels = made(grid)
    relabel(node, 1)
    assert names(node) == ["T12", "L1", "L2", "L3"]
    expected = np.select([labels.array == 1, labels.array == 2], [2, 3], 0)
    assert np.array_equal(labels_of(node, grid).array, expected)


@every_grid
def test_what_was_l1_is_t12(grid):
    _, node, labels = made(grid)
    relabel(node, -1)
    assert names(node) == ["T11", "T12", "L1", "L2"]
    expected = np.select([labels.array == 2, labels.array == 3], [1, 2], 0)
    assert np.array_equal(labels_of(node, grid).array, expected)


@pytest.mark.parametrize("moves", ((1, -1), (-1, 1), (1, 1, -1, -1), (-1, 1, 1, -1)))
def test_moved_back_all_is_as_before(moves):
    _, node, labels = made(GRIDS["oblique"])
    for by in moves:
        relabel(node, by)
    assert names(node) == ["T12", "L1", "L2"]
    assert np.array_equal(labels_of(node, labels.grid).array, labels.array)


def test_colour_code_and_confidence_follow_the_name():
    _, node, labels = made(GRIDS["canonical"])
    relabel(node, 1)
    assert segment_named(node, "L2").GetColor() == pytest.approx(SEGMENT_COLOURS["L2"])
    assert segment_named(node, "L3").GetColor() == pytest.approx(NEIGHBOUR_COLOUR)
    assert ("SCT", "36470004") in codes_in(segment_named(node, "L3").GetTerminology())
    assert segmentation_of(node, labels.grid).confidence == {"L1": 0.91, "L2": 0.92}


def test_what_fell_off_the_end_is_no_measured_vertebra():
    _, node, _ = made(GRIDS["canonical"])
    relabel(node, 1)
    found = [vertebra_of_segment(node, id_) for id_ in node.GetSegmentation().GetSegmentIDs()]
    assert found == ["T12", "L1", "L2", None]


def test_the_vertebra_that_is_missing_now_can_be_drawn_and_is_kept():
    _, node, labels = made(GRIDS["left-handed"])
    relabel(node, 1)
    drawn = np.zeros(labels.grid.size, bool)
    drawn[14:20, 12:17, 12:16] = True
    edit(node, segment_of_vertebra(node, "T12"), Volume(drawn, labels.grid))
    assert np.array_equal(labels_of(node, labels.grid).array == 1, drawn)
    relabel(node, -1)
    assert names(node) == ["T11", "T12", "L1", "L2"]
    assert np.array_equal(labels_of(node, labels.grid).array, labels.array)
    relabel(node, 1)
    assert np.array_equal(labels_of(node, labels.grid).array == 1, drawn)


def test_other_segments_keep_their_names():
    _, node, _ = made(GRIDS["canonical"])
    node.GetSegmentation().AddEmptySegment("liver", "liver")
    relabel(node, -1)
    assert "liver" in names(node)


def test_the_last_vertebra_cannot_be_moved_away():
    _, node, labels = made(GRIDS["canonical"])
    relabel(node, 1)
    relabel(node, 1)
    assert np.array_equal(labels_of(node, labels.grid).array, np.where(labels.array == 1, 3, 0))
    before = names(node)
    with pytest.raises(BadInput, match="none of T12, L1 and L2 would be left"):
        relabel(node, 1)
    assert names(node) == before


def test_names_stay_within_the_spine_that_is_known():
    _, node, labels = made(GRIDS["canonical"])
    for _ in range(2):
        relabel(node, 1)
    drawn = np.zeros(labels.grid.size, bool)
    drawn[14:20, 12:17, 12:16] = True
    edit(node, segment_of_vertebra(node, "T12"), Volume(drawn, labels.grid))
    with pytest.raises(BadInput, match="would leave T10 to L4"):
        relabel(node, 1)


@pytest.mark.parametrize("by", (0, 2, -3))
def test_only_one_vertebra_at_a_time(by):
    _, node, _ = made(GRIDS["canonical"])
    with pytest.raises(ValueError, match="by"):
        relabel(node, by)


def test_undo_brings_the_old_names_back():
    _, node, labels = made(GRIDS["oblique"])
    history = slicer.vtkSegmentationHistory()
    history.SetSegmentation(node.GetSegmentation())
    history.SaveState()
    relabel(node, 1)
    history.RestorePreviousState()
    assert names(node) == ["T12", "L1", "L2"]
    assert np.array_equal(labels_of(node, labels.grid).array, labels.array)
