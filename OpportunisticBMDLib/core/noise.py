"""How exact the mean of noisy voxels is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GRAIN_MM = 2.0  # within which the noise of a CT is one: the kernels of bodies leave grains of 1.5 to 2.5 mm


def median_and_sd(values: np.ndarray) -> tuple[float, float]:
    """The median, and the SD that normally distributed values have with this median distance from it."""
    median = np.median(values)
    return median, 1.4826 * np.median(np.abs(values - median))


def standard_error_hu(hu_sd: float, voxels: float, spacing_mm: Sequence[float] | np.ndarray) -> float:
    """Of a mean over voxels: noise and trabeculae come in grains, no smaller than a voxel, that count once each.

    Args:
        hu_sd: of the voxels.
        voxels: their number.
    """
    voxels_of_grain = np.prod(np.maximum(np.asarray(spacing_mm), GRAIN_MM) / np.asarray(spacing_mm))
    return float(hu_sd * np.sqrt(min(voxels_of_grain / voxels, 1.0)))
