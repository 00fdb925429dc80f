"""Resampling axis by axis gives what SimpleITK does, between grids whose axes are parallel."""

from __future__ import annotations

import numpy as np
import pytest

from grids import GRIDS, rotated
from OpportunisticBMDLib.core import separable
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.separable import applied, parallel_weights
from OpportunisticBMDLib.core.volume import Volume

PARALLEL = [name for name in GRIDS if "oblique" not in name]
TURN = (0.001, 0.0, 0.0)  # degrees: less than a header's rounding


def noise_on(grid: Grid) -> Volume:
    return Volume(np.random.default_rng(1).normal(0, 30, grid.size).astype(np.int16), grid)


def by_simpleitk(volume: Volume, grid: Grid, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    with monkeypatch.context() as patch:
        patch.setattr("OpportunisticBMDLib.core.volume.parallel_weights", lambda *grids: None)
        return volume.resampled(grid).array


@pytest.mark.parametrize("name", PARALLEL)
@pytest.mark.parametrize("spacing", [(0.4, 0.4, 0.4), (1.5, 1.5, 1.5), (3.0, 4.0, 6.0)])
def test_as_simpleitk_does(name, spacing, monkeypatch):
    volume = noise_on(GRIDS[name])
    target = volume.grid.covering(spacing)
    wide = target.cropped((-2, -2, -2), np.array(target.size) + 4)
    expected = by_simpleitk(volume, wide, monkeypatch)
    np.testing.assert_allclose(volume.resampled(wide).array, expected, atol=1.0)  # its smoothing is an approximation
    weights = parallel_weights(volume.grid, wide)
    assert weights is not None
    far = np.zeros(wide.size, bool)
    for n, one in enumerate(weights):
        far[(slice(None),) * n + (~one.inside,)] = True
    assert far.any() and (applied(volume.array, weights, -5.0)[far] == -5.0).all()


@pytest.mark.parametrize("spacing", [(0.4, 0.4, 0.4), (3.0, 3.0, 3.0)])
def test_chunks_change_nothing(spacing, monkeypatch):
    volume = noise_on(GRIDS["permuted"])
    target = volume.grid.covering(spacing)
    whole = volume.resampled(target).array
    monkeypatch.setattr(separable, "CHUNK_VALUES", 700)
    np.testing.assert_allclose(volume.resampled(target).array, whole, atol=1e-3)


@pytest.mark.parametrize("name", GRIDS)
def test_only_parallel_axes_have_weights_of_their_own(name):
    grid = GRIDS[name]
    assert (parallel_weights(grid, grid.covering((2.0, 2.0, 2.0))) is not None) is (name in PARALLEL)


def test_rounding_in_a_header_does_not_count_and_a_tilt_does():
    grid = GRIDS["canonical"]
    other = Grid(grid.size, rotated(grid.affine, degrees=TURN))
    assert parallel_weights(other, grid) is not None
    assert parallel_weights(Grid(grid.size, rotated(grid.affine, degrees=(0.1, 0.0, 0.0))), grid) is None


def test_weights_add_up_to_one():
    for one in parallel_weights(GRIDS["thick slices"], GRIDS["thick slices"].covering((1.0, 1.0, 1.0))) or ():
        np.testing.assert_allclose(one.shares.sum(axis=1), 1.0, atol=1e-6)
