"""A vertebra's profile, from the edge of its mask to the core, and the density that it tells."""

from __future__ import annotations

import numpy as np
import pytest
from example_results import grid_of
from scipy import ndimage
from test_measure import BMD, ORIENTATIONS, case_of_density

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.measure import line_bmd
from OpportunisticBMDLib.profile import Profile, ProfileLine, core_and_profile, core_bmd
from OpportunisticBMDLib.vertebrae import LABELS
from OpportunisticBMDLib.volume import Volume

LINE = line_for(120)


def profile(*of) -> Profile:
    return core_and_profile(*of)[1]


def shelled(orientation: str, added_hu: float):
    """L1 with a brighter shell, where its mask is less than 1.6 mm deep."""
    grid = grid_of(orientation, size=(150, 150, 130), spacing=(1.1, 1.0, 1.5))
    ct, segmentation = case_of_density(BMD, 120, grid)
    mask = segmentation.labels.array == LABELS["L1"]
    shell = mask & (ndimage.distance_transform_edt(mask, sampling=grid.spacing) <= 1.6)
    return Volume((ct.array + added_hu * shell).astype(np.float32), grid), segmentation.labels, shell.sum() / mask.sum()


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_core_does_not_see_the_shell_and_the_whole_does(orientation):
    ct, labels, share = shelled(orientation, 400)
    added = 400 / LINE.slope_hu_per_mg_cm3 * share
    assert core_bmd(ct, labels, "L1", LINE) == pytest.approx(BMD["L1"])
    assert line_bmd(ct, labels, "L1", LINE) == pytest.approx(BMD["L1"] + added)
    seen = profile(ct, labels, "L1", LINE)
    assert seen.whole == pytest.approx(added)
    np.testing.assert_allclose(seen[1:-3] + seen[-1:], 0, atol=1e-3)


def test_quartiles_and_spread_are_those_of_the_voxels():
    ct, segmentation = case_of_density(BMD, 120, grid_of("straight"))
    noise = np.random.default_rng(0).normal(0, 20 * LINE.slope_hu_per_mg_cm3, ct.array.shape)
    seen = profile(Volume((ct.array + noise).astype(np.float32), ct.grid), segmentation.labels, "L2", LINE)
    assert seen.core_sd == pytest.approx(20, rel=0.1)
    assert -seen.lower_quartile == pytest.approx(13.5, abs=2) and seen.upper_quartile == pytest.approx(13.5, abs=2)


@pytest.mark.parametrize("kvp", [80, 140])
def test_mineral_that_is_added_everywhere_changes_no_profile(kvp):
    seen = []
    for more in (0, 50):
        bmd = {name: value + more for name, value in BMD.items()}
        ct, segmentation = case_of_density(bmd, kvp, grid_of("oblique"), tilt=1.0)
        seen.append(profile(ct, segmentation.labels, "T12", line_for(kvp)))
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-3)


def test_the_line_weighs_the_profile_and_adds_the_offset():
    ct, labels, share = shelled("straight", 400)
    added = 400 / LINE.slope_hu_per_mg_cm3 * share
    weighed = ProfileLine({"whole": 0.5, "median": 0.0}, offset=3.0)(ct, labels, "L1", LINE)
    assert weighed == pytest.approx(BMD["L1"] + 3.0 + 0.5 * added)


def test_a_mask_without_a_core_is_read_as_a_whole():
    ct, _ = case_of_density(BMD, 120, grid_of("straight"))
    array = np.zeros(ct.array.shape, np.uint8)
    array[20, 20, 10:30] = LABELS["L1"]
    thin = Volume(array, ct.grid)
    assert core_bmd(ct, thin, "L1", LINE) == pytest.approx(line_bmd(ct, thin, "L1", LINE))
    assert len(profile(ct, thin, "L1", LINE)) == len(Profile._fields)
