"""Values that no CT can hold are named when it is read; what is left is finite."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.hounsfield import hounsfield


@pytest.fixture
def scan() -> np.ndarray:
    rng = np.random.default_rng(0)
    hu = rng.normal(40, 20, (20, 40, 40))
    hu[:, :10], hu[:, 10:15], hu[:, 20:25] = -1000, -100, rng.normal(300, 150, (20, 5, 40))
    return hu


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(1e300, np.float64), (1e6, np.float64), (3e38, np.float32), (40000, np.float32), (65535, np.int32)],
)
def test_a_voxel_beyond_what_a_ct_holds_is_named(scan, value, dtype):
    scan = scan.astype(dtype)
    scan[3, 22, 5] = value
    with pytest.raises(BadInput, match=r"ct\.nii holds 1 voxels above 32767 HU"):
        hounsfield(scan, "ct.nii")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_named(scan, value):
    scan[3, 22, 5] = value
    with pytest.raises(BadInput, match="1 voxels that are not finite"):
        hounsfield(scan, "ct.nii")


@pytest.mark.parametrize("value", [-1e300, -8192.0, 3071.0, 30000.0])
def test_all_that_is_kept_is_finite(scan, value):
    scan[3, 22, 5] = value
    kept = hounsfield(scan, "ct.nii")
    assert np.isfinite(kept).all() and kept.min() >= -1024 and kept.max() <= 32767


def test_one_flipped_bit_does_not_hide_a_window(scan):
    windowed = np.clip(scan, -1000, 240)
    windowed[3, 22, 5] = 8192
    with pytest.raises(BadInput, match="all values above 240 were cut off"):
        hounsfield(windowed, "ct.nii")
