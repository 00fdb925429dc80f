"""Kernels for bone and lung, by the names of all makers and by the noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from seen_scans import seen, told


@pytest.mark.parametrize(
    "kernel",
    [
        "B60f",
        "B70s",
        "Br64d",
        "Bl57d 3",
        "Hr69h",
        "I70f 3",
        "BONE",
        "BONEPLUS",
        "LUNG",
        "EDGE",
        "YC",
        "YB",
        "D",
        "FC51",
        "FC30",
    ]
    + ["B_BONE_C", "H_SHARP_B"],
)
def test_sharp_ones_are_noted(kernel):
    (reason,) = told(seen(kernel=kernel), "sharp_kernel")
    assert reason.severity == "info" and kernel in reason.message and reason.figure is None


@pytest.mark.parametrize(
    "kernel",
    [
        "B30f",
        "B31s",
        "Br40d",
        "Bf39d 3",
        "Hr40",
        "I31f 3",
        "Qr36d",
        "STANDARD",
        "SOFT",
        "DETAIL",
        "B",
        "C",
        "A",
        "FC12",
        "FC08",
    ]
    + ["FC18-H", "B_SOFT_B", "YA", "BODY", None],
)
def test_others_are_not(kernel):
    assert told(seen(kernel=kernel), "sharp_kernel") == []


def with_noise(blur_mm: float, spacing_mm: float = 0.8) -> tuple[Volume, Volume]:
    """Noise of 20 HU as a kernel leaves it: smooth over some mm, and none of it in the lowest frequencies."""
    grid = grid_of("straight", (150, 150, 36), (spacing_mm, spacing_mm, 3.0))
    case, segmentation = synthetic_case(grid)
    noise = np.random.default_rng(1).normal(0, 1, grid.size)
    smooth = ndimage.gaussian_filter(noise, (blur_mm / spacing_mm, blur_mm / spacing_mm, 0))
    hu = case.volume.array + 20 * smooth / smooth.std()
    return Volume(np.maximum(hu, AIR_HU).astype(np.float32), grid), segmentation.labels


def test_noise_that_changes_within_a_millimetre_is_that_of_a_sharp_kernel():
    (reason,) = told(seen(*with_noise(0.2)), "sharp_kernel")
    assert reason.severity == "info" and reason.figure.value < reason.figure.limit


def test_smooth_noise_is_not():
    assert told(seen(*with_noise(0.8)), "sharp_kernel") == []


def test_voxels_that_are_too_large_tell_nothing():
    assert told(seen(*with_noise(0.2, spacing_mm=1.1)), "sharp_kernel") == []
