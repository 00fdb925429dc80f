"""The box that masks give: tight around all of them, or the old one where they do not tell the whole extent."""

from __future__ import annotations

import numpy as np
import pytest

from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.core.box import MARGIN_MM, Box, box_ras, tightened
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume

LOOSE = Box(np.array([(-60.0, 60.0), (-60.0, 60.0), (0.0, 300.0)]), 0.7)
ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique", "coronal")


def with_labels(segmentation: Segmentation, labels: np.ndarray) -> Segmentation:
    return Segmentation(Volume(labels, segmentation.labels.grid), segmentation.confidence)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_box_is_drawn_around_the_masks_and_keeps_its_score(orientation):
    _, segmentation = synthetic_case(grid_of(orientation))
    box = tightened(LOOSE, segmentation)
    grid = segmentation.labels.grid
    points = grid.ras_of(np.argwhere(segmentation.labels.array))
    beyond = np.stack((points.min(axis=0) - box.ras_mm[:, 0], box.ras_mm[:, 1] - points.max(axis=0)))
    half_voxel = np.abs(grid.affine[:3, :3]).sum(axis=1) / 2
    np.testing.assert_allclose(beyond, [MARGIN_MM + half_voxel] * 2, atol=1e-6)
    np.testing.assert_allclose(box.ras_mm, box_ras(segmentation.labels))
    assert box.score == LOOSE.score


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_box_stays_where_a_vertebra_is_missing(missing):
    _, segmentation = synthetic_case(grid_of("oblique"))
    labels = np.where(segmentation.labels.array == missing, 0, segmentation.labels.array)
    assert tightened(LOOSE, with_labels(segmentation, labels)) is LOOSE


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("end", [0, -1])
def test_box_stays_where_a_mask_reaches_an_end_of_the_scan(orientation, end):
    _, segmentation = synthetic_case(grid_of(orientation))
    labels = segmentation.labels.array.copy()
    slices = np.moveaxis(labels, segmentation.labels.grid.axis_towards(2), 0)
    middle = [n // 2 for n in slices.shape[1:]]
    slices[end, middle[0], middle[1]] = 1
    assert tightened(LOOSE, with_labels(segmentation, labels)) is LOOSE
