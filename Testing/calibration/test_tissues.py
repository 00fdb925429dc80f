"""Fat and muscle are found by their place, without what blurs into them."""

from __future__ import annotations

import numpy as np
import pytest

from grids import rotated
from OpportunisticBMDLib.calibration.tissues import tissues_near
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume

FLAT = Grid.axis_aligned((150, 120, 14), (2.0, 2.0, 5.0))
BODIES = {"L1": np.array([0.0, -10.0, 15.0]), "L2": np.array([0.0, -10.0, -15.0])}


def trunk(grid: Grid, *, fat_mm: float = 20.0, fat: float = -97.0, muscle: float = 43.0, noise: float = 15.0) -> Volume:
    """Fat around muscle, a spine of bone in it; air and a dense table around."""
    x, y, _ = np.moveaxis(grid.ras_of(np.stack(np.indices(grid.size), axis=-1)), -1, 0)
    across = np.hypot(x / 1.25, y)
    hu = np.select(
        [np.hypot(x, y + 15) < 18, across < 90 - fat_mm, across < 90, y < -94], [180.0, muscle, fat, 300.0], -1000.0
    )
    return Volume((hu + np.random.default_rng(5).normal(0, noise, grid.size)).astype(np.int16), grid)


def centred(affine: np.ndarray) -> Grid:
    affine = affine.copy()
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(FLAT.size) - 1) / 2)
    return Grid(FLAT.size, affine)


@pytest.mark.parametrize(
    "affine",
    [FLAT.affine, FLAT.affine @ np.diag([-1.0, -1.0, 1.0, 1.0]), rotated(FLAT.affine, degrees=(4, -5, 10))],
    ids=["canonical", "as scanners write it", "oblique"],
)
def test_fat_and_muscle_show_what_they_are(affine):
    found = tissues_near(trunk(centred(affine)), BODIES)
    assert found["fat"].hu == pytest.approx(-97.0, abs=1.5) and found["muscle"].hu == pytest.approx(43.0, abs=1.5)


def test_fat_between_the_fibres_does_not_count_as_muscle():
    ct = trunk(FLAT)
    streaks = ct.array.copy()
    streaks[::12] = np.where((streaks[::12] > 0) & (streaks[::12] < 90), -80, streaks[::12])
    assert tissues_near(Volume(streaks, FLAT), BODIES)["muscle"].hu == pytest.approx(43.0, abs=4.0)


def test_a_thin_patient_shows_no_fat():
    assert "fat" not in tissues_near(trunk(FLAT, fat_mm=5.0), BODIES)


def test_air_shows_nothing():
    assert tissues_near(Volume(np.full(FLAT.size, -1000, np.int16), FLAT), BODIES) == {}
