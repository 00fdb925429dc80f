"""The part of a CT that is looked at holds all masks, and touches the edge of the scan where they do."""

from __future__ import annotations

import numpy as np
import pytest

from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.masked_ct import MaskedCT
from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality import measurability


@pytest.mark.parametrize("order", ["C", "F"])
def test_extent_is_that_of_the_voxels_that_are_not_0(order):
    labels = np.zeros((9, 8, 7), np.uint8, order=order)
    assert extent(labels) is None
    labels[3, 2, 6] = 1
    assert extent(labels) == (slice(3, 4), slice(2, 3), slice(6, 7))
    labels[0, 5, 4] = 3
    assert extent(labels) == (slice(0, 4), slice(2, 6), slice(4, 7))


@pytest.mark.parametrize("lost", [0, 14, 20])
def test_a_mask_at_the_edge_of_the_scan_is_at_the_edge_of_the_part(lost):
    ct, segmentation = synthetic_case(grid_of("straight"))
    rest = tuple(slice(first, size) for first, size in zip((0, 0, lost), ct.volume.grid.size))
    cut = Segmentation(segmentation.labels.part(rest), {})
    masked = MaskedCT.of(ct.volume.part(rest), cut)
    whole = measurability(ct.volume.part(rest), cut)
    assert measurability(*masked.part) == whole
    assert [reason.code for reason in whole] == {0: [], 14: ["cut_off"], 20: ["not_found"]}[lost]


def test_a_scan_without_masks_has_nothing_to_measure():
    grid = Grid.axis_aligned((20, 20, 20), (2, 2, 2))
    empty = Volume(np.zeros(grid.size, np.uint8), grid)
    masked = MaskedCT.of(Volume(np.zeros(grid.size, np.int16), grid), Segmentation(empty, {}))
    assert [reason.vertebra for reason in measurability(*masked.part)] == list(VERTEBRAE)
