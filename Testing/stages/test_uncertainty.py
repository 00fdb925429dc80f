"""How sure a mean density is: its causes, their sum, the interval and the probabilities."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from example_results import grid_of, synthetic_case
from known_network import CARD
from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.correction import Correction
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.noise import standard_error_hu
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.models import load_card
from OpportunisticBMDLib.stages.measure import Density
from OpportunisticBMDLib.stages.place_region import place_region
from OpportunisticBMDLib.stages.uncertainty import GROUPS, SCALES, Causes, Scales, causes_of, group_of, moved_sd_hu

DEFAULT = line_for(120.0)
MEASURED = replace(DEFAULT, kind="scanner", slope_sd=0.01, intercept_sd_hu=1.0)
VENOUS = Correction("portal venous contrast", 0.978, -4.5, 9.5, True, "published")
BINS = Density(np.array([98.0, 100.0, 102.0]), np.array([0.25, 0.5, 0.25]), blur_sd=7.0)  # a spread of sqrt(2)


def sloping(orientation: str, hu_per_mm: tuple[float, float, float]) -> tuple[Volume, Reading]:
    """A CT that rises along right, front and head, and the region of L1 in it."""
    _, segmentation = synthetic_case(grid_of(orientation))
    grid = segmentation.labels.grid
    region = place_region(segmentation.labels, "L1")
    assert region is not None
    ras = grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1))
    hu = 150.0 + (ras - region.centre_ras) @ np.array(hu_per_mm)
    return Volume(hu.astype(np.float32), grid), Reading(region, 150.0, 40.0, 400.0, 1.0, {})


@pytest.mark.parametrize("orientation", ["straight", "flipped", "left-handed", "oblique", "coronal"])
@pytest.mark.parametrize("slope", [(2.0, 0.0, 0.0), (0.0, 1.5, 0.0), (0.0, 0.0, -1.0), (1.0, 2.0, 2.0)])
def test_a_place_that_is_1_mm_off_is_worth_the_slope_of_the_bone(orientation, slope):
    assert moved_sd_hu(*sloping(orientation, slope)) == pytest.approx(np.linalg.norm(slope), rel=0.1)


def test_even_bone_reads_the_same_wherever_the_region_lies():
    assert moved_sd_hu(*sloping("oblique", (0.0, 0.0, 0.0))) == pytest.approx(0.0, abs=1e-4)


def test_bright_voxels_beside_the_region_count_as_no_more_than_dense_bone():
    ct, reading = sloping("straight", (0.0, 0.0, 0.0))
    bright = ct.array.copy()
    bright[~reading.region.contains(ct.grid.ras_of(np.moveaxis(np.indices(ct.grid.size), 0, -1)))] = 30000.0
    assert moved_sd_hu(Volume(bright, ct.grid), reading) < 3 * reading.hu_sd


def test_noise_and_place_of_a_mean_of_two_are_smaller_than_those_of_one_and_the_rest_is_shared():
    ct, reading = sloping("straight", (1.0, 0.0, 0.0))
    one = causes_of(ct, [reading], BINS, DEFAULT, None)
    two = causes_of(ct, [reading, reading], BINS, DEFAULT, None)
    assert one.noise == pytest.approx(
        standard_error_hu(reading.hu_sd, reading.voxels, ct.grid.spacing) / DEFAULT.slope_hu_per_mg_cm3
    )
    assert (two.noise, two.mask) == pytest.approx((one.noise / 2**0.5, one.mask / 2**0.5))
    assert one.network == two.network == pytest.approx(2**0.5)
    assert one.calibration == two.calibration == pytest.approx(DEFAULT.sd(100.0))


def test_a_correction_brings_its_own_error_and_scales_the_others():
    ct, reading = sloping("straight", (1.0, 0.0, 0.0))
    plain = causes_of(ct, [reading], BINS, MEASURED, None)
    corrected = causes_of(ct, [reading], BINS.corrected(VENOUS), MEASURED, VENOUS)
    named = causes_of(ct, [reading], BINS, MEASURED, replace(VENOUS, is_applied=False))
    assert (plain.correction, corrected.correction, named.correction) == (0.0, 9.5, 9.5)
    assert corrected.calibration == pytest.approx(0.978 * MEASURED.sd(100.0))
    assert (corrected.noise, named.noise) == pytest.approx((0.978 * plain.noise, plain.noise))


@pytest.mark.parametrize(
    ("kind", "group"),
    [
        ("voltage", "computed line"),
        ("internal", "computed line"),
        ("scanner", "own line"),
        ("phantom", "own line"),
        ("given", "own line"),
    ],
)
def test_errors_are_alike_by_the_kind_of_line_and_the_agent(kind, group):
    assert group_of(kind, is_corrected=False) == group
    assert group_of(kind, is_corrected=True) == f"{group}, contrast"


CAUSES = Causes(network=2.0, noise=3.0, mask=4.0, calibration=6.0, correction=1.0, group="own line")
SCALES_OF_EACH = replace(
    Scales(0.5, 1.0, 0.5),
    interval={**dict.fromkeys(GROUPS, 1.96), "own line": 2.2},
    steepness=dict.fromkeys(GROUPS, 1.5),
)


def test_parts_add_up_in_squares_and_the_interval_is_its_groups():
    found = SCALES_OF_EACH.uncertainty(100.0, CAUSES)
    assert found.parts == {"network": 1.0, "noise": 3.0, "mask": 2.0, "calibration": 6.0, "correction": 1.0}
    assert found.sd == pytest.approx(51**0.5)
    assert found.interval_mg_cm3 == pytest.approx((100 - 2.2 * 51**0.5, 100 + 2.2 * 51**0.5))
    assert found.half_on_line_mg_cm3(0.0) == pytest.approx(2.2 * 15**0.5)
    assert found.half_on_line_mg_cm3(7.0) == pytest.approx(2.2 * 8)
    computed = SCALES_OF_EACH.uncertainty(100.0, replace(CAUSES, group="computed line"))
    assert computed.half_mg_cm3 == pytest.approx(1.96 * 51**0.5)


def test_what_is_certain_has_an_interval_of_no_width():
    found = Scales().uncertainty(100.0, Causes(0.0, 3.0, 4.0, 0.0, 0.0, "own line"))
    assert found.interval_mg_cm3 == (100.0, 100.0) and found.half_on_line_mg_cm3(0.0) == 0.0


@pytest.mark.parametrize("away", [-20.0, -3.0, 0.0, 5.0, 12.0])
def test_unfitted_probabilities_are_those_of_a_normal_distribution(away):
    below = Scales().below(100.0 + away, 100.0, 6.0, "computed line")
    assert below == pytest.approx(NormalDist(0, 6).cdf(away), abs=0.01)


def test_no_distance_and_no_certainty_breaks_a_probability():
    certain = Scales()
    assert certain.below(120.0, 100.0, 0.0, "own line") == pytest.approx(1.0)
    assert certain.below(80.0, 100.0, 0.0, "own line") == pytest.approx(0.0)
    assert certain.below(100.0, 100.0, 0.0, "own line") == 0.5


def test_scales_come_back_from_a_card_and_a_model_without_any_counts_its_spread_as_it_is():
    card = replace(CARD, outputs={**CARD.outputs, SCALES: SCALES_OF_EACH.as_output()})
    assert Scales.of(card) == SCALES_OF_EACH
    assert Scales.of(CARD) == Scales() == Scales(network=1.0, noise=0.0, mask=0.0)


@pytest.mark.parametrize(
    "broken",
    [
        {"network": -1.0},
        {"network": "much"},
        {"interval": {"own line": 2.0}},
        {"interval": [1.96]},
        {"steepness": {**dict.fromkeys(GROUPS, 1.7), "own line": None}},
        {"unheard of": 1.0},
    ],
)
def test_scales_that_are_not_whole_are_refused_in_one_sentence(broken):
    card = replace(CARD, outputs={**CARD.outputs, SCALES: {**Scales().as_output(), **broken}})
    with pytest.raises(BadInput, match="six-more 1 has no whole scales"):
        Scales.of(card)


def test_no_scale_of_the_model_that_ships_is_surer_than_published_errors_allow():
    scales = Scales.of(load_card("bmd"))
    for group in GROUPS:
        assert scales.interval[group] >= 1.96 and scales.steepness[group] <= 1.702
