"""Noise that makes the mean of a body's middle inexact is a warning; that of everyday scans is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.core.volume import Volume
from seen_scans import seen, told

GRID = grid_of("straight", (120, 120, 96), (1.0, 1.0, 1.25))


def with_noise(sd_hu: float) -> tuple[Volume, Volume]:
    case, segmentation = synthetic_case(GRID)
    noise = ndimage.gaussian_filter(np.random.default_rng(2).normal(0, 1, GRID.size), (0.8, 0.8, 0))
    return Volume((case.volume.array + sd_hu * noise / noise.std()).astype(np.float32), GRID), segmentation.labels


@pytest.mark.parametrize("sd_hu", [0.0, 40.0])
def test_the_noise_of_everyday_scans_passes(sd_hu):
    assert told(seen(*with_noise(sd_hu)), "noisy") == []


def test_a_scan_that_is_mostly_noise_does_not():
    reasons = told(seen(*with_noise(250.0)), "noisy")
    assert [(reason.severity, reason.vertebra) for reason in reasons] == [
        ("warning", name) for name in ("T12", "L1", "L2")
    ]
    assert all(reason.figure.value > reason.figure.limit for reason in reasons)
