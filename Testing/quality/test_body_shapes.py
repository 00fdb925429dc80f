"""Sizes, volumes and distances of the bodies against each other and against those of adults."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.core.box import Box, box_ras
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality import measurability
from seen_scans import seen, stretched, told

CODES = ("unusual_spacing", "unusual_size", "unusual_volume", "masks_outside_box")


def labels_of() -> Volume:
    return synthetic_case(grid_of("straight"))[1].labels


def test_bodies_as_adults_have_them_need_no_word():
    scan = seen(box=Box(box_ras(labels_of()), 0.9))
    assert [reason for code in CODES for reason in told(scan, code)] == []


def test_a_vertebra_that_was_skipped_is_seen_by_the_gap():
    """L1's mask is that of the body below: T12 is twice as far away as its neighbour is."""
    labels = labels_of()
    named = np.array([0, LABELS["T12"], 0, LABELS["L1"]], np.uint8)[labels.array]
    (reason,) = told(seen(labels=Volume(named, labels.grid)), "unusual_spacing")
    assert (reason.severity, reason.vertebra) == ("warning", "L1") and reason.figure.value > 60


@pytest.mark.parametrize(("factor", "limit"), [(0.5, 18.0), (1.6, 46.0)])
def test_slices_of_a_wrong_distance_are_seen_by_the_bodies(factor, limit):
    reasons = told(seen(*stretched((1.0, 1.0, factor))), "unusual_spacing")
    assert [(reason.vertebra, reason.figure.limit) for reason in reasons] == [("L1", limit), ("L2", limit)]


@pytest.mark.parametrize(("factor", "word"), [(0.55, "small"), (1.6, "large")])
def test_voxels_of_a_wrong_size_are_seen_by_the_bodies(factor, word):
    (reason,) = told(seen(*stretched(factor)), "unusual_size")
    assert reason.severity == "warning" and reason.vertebra is None and f"too {word}" in reason.message


@pytest.mark.parametrize(("share", "is_flagged"), [(0.6, True), (0.9, False)])
def test_a_mask_that_holds_a_part_of_its_body_is_named(share, is_flagged):
    labels = labels_of()
    index = np.argwhere(labels.array == LABELS["L1"])
    array = labels.array.copy()
    array[tuple(index[round(share * len(index)) :].T)] = 0  # one side of it
    reasons = told(seen(labels=Volume(array, labels.grid)), "unusual_volume")
    assert [reason.vertebra for reason in reasons] == (["L1"] if is_flagged else [])


def test_a_mask_that_holds_more_than_its_body_is_named():
    labels = labels_of()
    array = labels.array.copy()
    mask = array == LABELS["L2"]
    for shift in (-6, 6):
        array[np.roll(mask, shift, axis=0) & (array == 0)] = LABELS["L2"]
    (reason,) = told(seen(labels=Volume(array, labels.grid)), "unusual_volume")
    assert reason.vertebra == "L2" and reason.figure.value > 140


def test_a_swollen_mask_is_named_and_makes_no_others_too_small():
    labels = labels_of()
    swollen = ndimage.binary_dilation(labels.array == LABELS["L2"], iterations=2)
    array = np.where(swollen & (labels.array == 0), LABELS["L2"], labels.array).astype(np.uint8)
    assert (array == LABELS["L2"]).sum() > 2.1 * (array == LABELS["L1"]).sum()
    scan = seen(labels=Volume(array, labels.grid))
    assert measurability(scan.ct, scan.segmentation) == []
    assert [reason.vertebra for reason in told(scan, "unusual_volume")] == ["L2"]


def test_masks_elsewhere_than_their_box_are_named():
    box = box_ras(labels_of())
    box[2] += 45.0  # the box of T11 to L1
    reasons = told(seen(box=Box(box, 0.9)), "masks_outside_box")
    assert {reason.vertebra for reason in reasons} >= {"L2"}
    assert all(reason.severity == "warning" for reason in reasons)
