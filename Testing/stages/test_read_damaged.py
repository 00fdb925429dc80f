"""What a region reads of a CT with damage: what it read before, with a count of what was left out."""

from __future__ import annotations

import numpy as np
import pytest

from example_results import grid_of, region_of
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.read_region import read_region

REGION = region_of("L1")


@pytest.fixture(params=[(0.9, 0.9, 1.25), (1.6, 1.6, 2.5), (0.8, 0.8, 5.0)], ids=str)
def scan(request) -> tuple[Volume, Volume, np.ndarray]:
    """Noisy bone, L1 everywhere, and the index of the region's middle."""
    size = tuple(int(60 / mm) for mm in request.param)
    grid = grid_of("straight", size=size, spacing=request.param)
    affine = grid.affine.copy()
    affine[:3, 3] += REGION.centre_ras - grid.ras_of((np.array(size) - 1) / 2)
    grid = type(grid)(size, affine)
    hu = np.rint(np.random.default_rng(0).normal(142, 30, size)).astype(np.int16)
    labels = Volume(np.full(size, LABELS["L1"], np.uint8), grid)
    return Volume(hu, grid), labels, np.rint(grid.index_of(REGION.centre_ras)).astype(int)


def read(hu: np.ndarray, scan):
    ct, labels, _ = scan
    return read_region(Volume(hu, ct.grid), labels, "L1", REGION)


@pytest.mark.parametrize("value", [8192, -1024, 3071])
def test_a_damaged_voxel_moves_nothing(scan, value):
    ct, _, middle = scan
    hu = ct.array.copy()
    hu[tuple(middle)] = value
    before, after = read(ct.array, scan), read(hu, scan)
    assert (before.damaged, after.damaged) == (0, 1)
    assert after.hu_mean == pytest.approx(before.hu_mean, abs=0.2)
    assert after.hu_sd == pytest.approx(before.hu_sd, abs=0.3)


def test_a_damaged_voxel_beside_the_region_is_not_taken_for_blur(scan):
    ct, _, middle = scan
    hu = ct.array.copy()
    above = middle.copy()
    above[2] = int(np.ceil(ct.grid.index_of(REGION.centre_ras + (0, 0, 4.5))[2] + 0.5))
    hu[tuple(above)] = 30000
    assert read(hu, scan).hu_mean == pytest.approx(read(ct.array, scan).hu_mean, abs=0.2)


@pytest.mark.parametrize("value", [0, -1024])
def test_a_lost_slice_is_left_out(scan, value):
    ct, _, middle = scan
    hu = ct.array.copy()
    hu[:, :, middle[2]] = value
    before, after = read(ct.array, scan), read(hu, scan)
    assert after.left_out["damaged"] > 0.1 and after.damaged > 50
    assert after.hu_mean == pytest.approx(before.hu_mean, abs=2.0)  # less bone, so another mean of the noise
