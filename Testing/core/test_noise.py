"""The standard error of the mean of noisy voxels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from OpportunisticBMDLib.core.noise import standard_error_hu


def test_voxels_larger_than_a_grain_count_once_each():
    assert standard_error_hu(30.0, 100.0, (2.0, 3.0, 5.0)) == pytest.approx(3.0)


def test_voxels_within_a_grain_count_together():
    assert standard_error_hu(30.0, 800.0, (1.0, 1.0, 1.0)) == pytest.approx(3.0)
    assert standard_error_hu(30.0, 100.0, (1.0, 1.0, 5.0)) == pytest.approx(6.0)


def test_no_mean_is_less_exact_than_a_voxel():
    assert standard_error_hu(30.0, 0.5, (2.5, 2.5, 2.5)) == 30.0


def test_noise_behind_a_kernel_of_a_body_scatters_as_told():
    """Slices of independent noise, blurred within each by a Gaussian of 0.6 mm: grains of 2.1 x 2.1 mm."""
    rng = np.random.default_rng(3)
    blurred = ndimage.gaussian_filter(rng.normal(0, 1, (400, 25, 25, 2)), (0, 0.8, 0.8, 0), mode="wrap")
    blurred *= 30 / blurred.std()
    means = blurred[:, 5:20, 5:20].mean(axis=(1, 2, 3))
    told = standard_error_hu(30.0, 15 * 15 * 2, (0.75, 0.75, 2.5))
    assert told == pytest.approx(means.std(), rel=0.2)
