"""Peaks are those that SciPy finds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, signal

from OpportunisticBMDLib.core.peaks import peaks


@pytest.mark.parametrize("distance", [1, 4.5, 14])
@pytest.mark.parametrize("prominence", [0.0, 0.05, 0.3])
def test_peaks_are_those_of_scipy(prominence, distance):
    random = np.random.default_rng(1)
    for length in (3, 20, 150, 400):
        for smooth in (0.1, 2.0, 8.0):
            curve = ndimage.gaussian_filter1d(random.normal(size=length), smooth)
            expected, _ = signal.find_peaks(curve, prominence=prominence, distance=distance)
            np.testing.assert_array_equal(peaks(curve, prominence, distance), expected)


@pytest.mark.parametrize("prominence", [0, 1, 2])
def test_of_a_level_peak_the_middle_is_taken(prominence):
    random = np.random.default_rng(2)
    for _ in range(200):
        curve = random.integers(0, 4, random.integers(1, 40)).astype(float)
        expected, _ = signal.find_peaks(curve, prominence=prominence)
        np.testing.assert_array_equal(peaks(curve, prominence), expected)


@pytest.mark.parametrize("curve", [np.ones(5), np.arange(5.0), np.arange(5.0)[::-1], np.zeros(1)])
def test_what_only_rises_falls_or_is_level_has_none(curve):
    assert peaks(curve, 0.0).size == 0
