"""The part of a CT that is looked at holds all that a measurement depends on, and no more than it has to."""

from __future__ import annotations

import numpy as np
import pytest
from example_results import grid_of, synthetic_case

from OpportunisticBMDLib.bone import Bone, extent
from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.measure import bmd_input
from OpportunisticBMDLib.models import load_card
from OpportunisticBMDLib.quality import measurability
from OpportunisticBMDLib.result import Segmentation
from OpportunisticBMDLib.vertebrae import VERTEBRAE
from OpportunisticBMDLib.volume import Volume

ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique", "coronal")


@pytest.mark.parametrize("order", ["C", "F"])
def test_extent_is_that_of_the_voxels_that_are_not_0(order):
    labels = np.zeros((9, 8, 7), np.uint8, order=order)
    assert extent(labels) is None
    labels[3, 2, 6] = 1
    assert extent(labels) == (slice(3, 4), slice(2, 3), slice(6, 7))
    labels[0, 5, 4] = 3
    assert extent(labels) == (slice(0, 4), slice(2, 6), slice(4, 7))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("vertebra", ["T12", "L1"])
def test_the_network_sees_the_same_in_the_part_as_in_the_whole(orientation, vertebra):
    grid = grid_of(orientation, size=(150, 150, 130), spacing=(1.1, 1.0, 1.5))
    ct, segmentation = synthetic_case(grid)
    noisy = np.random.default_rng(0).normal(0, 30, grid.size) + ct.volume.array
    ct = Volume(noisy.astype(np.float32), grid)
    card = load_card("bmd")
    part, masks = Bone.of(ct, segmentation).around(vertebra, card.grid)
    assert part.array.size < ct.array.size
    whole = bmd_input(ct, segmentation.labels, vertebra, line_for(120), card).numpy()
    seen = bmd_input(part, masks.labels, vertebra, line_for(120), card).numpy()
    np.testing.assert_allclose(seen, whole, atol=1e-4)
    assert whole.max() > 0


def test_what_is_read_around_a_vertebra_does_not_depend_on_the_others():
    grid = grid_of("oblique")
    ct, segmentation = synthetic_case(grid)
    labels = segmentation.labels.array.copy()
    labels[labels == 3] = 0
    labels[2, 2, 2] = 2
    other = Segmentation(Volume(labels, grid), {})
    first, second = (
        Bone.of(ct.volume, masks).around("T12", load_card("bmd").grid)[0] for masks in (segmentation, other)
    )
    assert np.array_equal(first.grid.affine, second.grid.affine) and first.grid.size == second.grid.size


@pytest.mark.parametrize("lost", [0, 14, 20])
def test_a_mask_at_the_edge_of_the_scan_is_at_the_edge_of_the_part(lost):
    ct, segmentation = synthetic_case(grid_of("straight"))
    rest = tuple(slice(first, size) for first, size in zip((0, 0, lost), ct.volume.grid.size))
    cut = Segmentation(segmentation.labels.part(rest), {})
    bone = Bone.of(ct.volume.part(rest), cut)
    whole = measurability(ct.volume.part(rest), cut)
    assert measurability(*bone.part) == whole
    assert [reason.code for reason in whole] == {0: [], 14: ["cut_off"], 20: ["not_found"]}[lost]


def test_a_scan_without_masks_has_nothing_to_measure():
    grid = Grid.axis_aligned((20, 20, 20), (2, 2, 2))
    empty = Volume(np.zeros(grid.size, np.uint8), grid)
    bone = Bone.of(Volume(np.zeros(grid.size, np.int16), grid), Segmentation(empty, {}))
    assert [reason.vertebra for reason in measurability(*bone.part)] == list(VERTEBRAE)
    assert not bone.around("L1", {"size": [4, 4, 4], "spacing_mm": [1, 1, 1]})[1].labels.array.any()
