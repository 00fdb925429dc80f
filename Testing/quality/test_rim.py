"""A body that the rim of the field of view cuts is left out, however that was padded; a lost slice is no rim."""

from __future__ import annotations

import numpy as np
import pytest

from example_results import BODIES, grid_of, synthetic_case
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.quality import measurability


@pytest.mark.parametrize("orientation", ["straight", "oblique", "coronal"])
@pytest.mark.parametrize(("radius_mm", "cut"), [(40.0, True), (90.0, False)])
def test_a_circle_that_cuts_the_bodies_is_seen(orientation, radius_mm, cut):
    """The circle lies 30 mm to the right: it ends within the left side of all bodies, or beyond."""
    ct, segmentation = synthetic_case(grid_of(orientation))
    grid = ct.volume.grid
    index = np.stack(np.meshgrid(*map(np.arange, grid.size), indexing="ij"), axis=-1)
    x, y, _ = np.moveaxis(grid.ras_of(index) - (12.0, -34.0, 150.0) - BODIES["L1"], -1, 0)
    outside = np.hypot(x - 30, y) > radius_mm
    hu = np.where(outside, AIR_HU, ct.volume.array)
    labels = np.where(outside, 0, segmentation.labels.array)
    reasons = measurability(Volume(hu, grid), Segmentation(Volume(labels, grid), {}))
    assert [(r.code, r.severity, r.vertebra) for r in reasons] == [
        ("cut_off", "warning", name) for name in BODIES if cut
    ]


def test_a_slice_that_was_lost_is_no_rim():
    ct, segmentation = synthetic_case(grid_of("straight"))
    hu = ct.volume.array.copy()
    hu[:, :, hu.shape[2] // 2] = AIR_HU
    assert measurability(Volume(hu, ct.volume.grid), segmentation) == []
