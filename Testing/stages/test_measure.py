"""From masks to figures: what the densitometer's network sees, and what is computed from its answer."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from example_results import BODIES, RADII_MM, grid_of, synthetic_case
from known_network import CARD, SixMore
from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.materials import HA_HU_PER_MG_CM3
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebra import UnmeasuredVertebra, VertebraFigures
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.measure import (
    BASE,
    BINS,
    Densitometer,
    Density,
    correction_input,
    mask_figures,
    middle_figures,
)
from OpportunisticBMDLib.stages.place_region import place_region
from OpportunisticBMDLib.stages.read_region import read_region

CENTRE_RAS = np.array([12.0, -34.0, 150.0])
ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique", "coronal")


def case_of_density(bmd: dict[str, float], kvp: float, grid: Grid, tilt: float = 0.0) -> tuple[Volume, Segmentation]:
    """Three bodies in slabs of their density, as a scanner at a tube voltage shows them.

    Args:
        tilt: by how much it rises to the right, mg/cm3 per mm, from the middle of the bodies on.
    """
    right, _, superior = np.moveaxis(centres_of(grid) - CENTRE_RAS, -1, 0)
    nearest = np.argmin([abs(superior - BODIES[name][2]) for name in VERTEBRAE], axis=0)
    density = np.array([bmd[name] for name in VERTEBRAE])[nearest] + tilt * right
    return Volume(line_for(kvp).hu(density).astype(np.float32), grid), synthetic_case(grid)[1]


def centres_of(grid: Grid) -> np.ndarray:
    """(I, J, K, 3) RAS mm."""
    return grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1))


def reading_of(ct: Volume, segmentation: Segmentation, vertebra: str) -> Reading:
    return read_region(ct, segmentation.labels, vertebra, place_region(segmentation.labels, vertebra))


def density_of(ct: Volume, segmentation: Segmentation, vertebra: str, line: Calibration) -> Density:
    return Densitometer(SixMore(), CARD).density(ct, reading_of(ct, segmentation, vertebra), line)


BMD = {"T12": 150.0, "L1": 120.0, "L2": 90.0}


def test_density_is_the_expectation_and_its_spread():
    density = Density(np.array([100.0, 104.0, 108.0]), np.array([0.25, 0.5, 0.25]))
    assert density.mean == pytest.approx(104.0)
    assert density.sd == pytest.approx(np.sqrt(8.0))


def test_probability_below_a_threshold_counts_the_bin_that_holds_it_in_part():
    density, cdf = Density(np.array([76.0, 80.0, 84.0]), np.array([0.2, 0.5, 0.3])), NormalDist().cdf
    assert density.below(70.0) == pytest.approx(0.0, abs=1e-6)
    assert density.below(78.0) == pytest.approx(0.2 * cdf(1.73) + 0.5 * cdf(-1.73), abs=0.001)
    assert density.below(80.0) == pytest.approx(0.2 + 0.25, abs=0.001)
    assert density.below(90.0) == pytest.approx(1.0, abs=1e-6)


def test_known_errors_widen_the_spread_and_the_probabilities_but_not_the_mean():
    sharp = Density(np.array([98.0, 100.0, 102.0]), np.array([0.25, 0.5, 0.25]))
    wide = replace(sharp.widened(2.0), blur_sd=3.0)
    assert wide.mean == pytest.approx(100.0)
    assert wide.sd == pytest.approx(np.hypot(2 * sharp.sd, 3.0))
    assert sharp.below(105.0) > 0.99 > wide.below(105.0) > 0.8


def test_a_computed_line_leaves_room_for_scanners_that_differ_and_a_scanners_own_does_not():
    computed, own = line_for(120), Calibration("phantom", "HA", 1.28, 0.0, "measured on this scanner")
    assert own.sd(108.0) == 0.0
    # 7.6 % of the density; 5 HU, uniform, at 1.280 HU per mg/cm3
    assert computed.sd(108.0) == pytest.approx(np.hypot(108 * 0.0762, 5 / 1.28 / 3**0.5), rel=1e-3)
    ct, segmentation = case_of_density(BMD, 120, grid_of("straight"))
    with_own, without = (density_of(ct, segmentation, "L1", line) for line in (own, computed))
    assert without.mean == pytest.approx(with_own.mean)
    assert without.sd == pytest.approx(np.hypot(with_own.sd, computed.sd(without.mean)))


def test_no_probability_exceeds_one_by_rounding():
    shares = np.full(61, 1 / 61)
    shares[-1] += 1e-12
    assert Density(np.arange(61.0), shares).below(100.0) == 1.0


def test_the_mean_of_two_is_the_mean_of_their_densities_and_as_sure_as_they_are():
    sure = Density(np.array([98.0, 100.0, 102.0]), np.array([0.25, 0.5, 0.25]), blur_sd=3.0)
    unsure = replace(sure, centres=sure.centres + 40).widened(3.0)
    pair = Density.mean_of([sure, unsure])
    assert pair.mean == pytest.approx(120.0)
    assert pair.probabilities.sum() == pytest.approx(1.0)
    assert sure.sd < pair.sd < unsure.sd and pair.blur_sd == 3.0
    assert pair.below(120.0) == pytest.approx(0.5) and pair.below(100.0) < 0.01
    assert Density.mean_of([sure]).below(98.0) == pytest.approx(sure.below(98.0))


def image_of(ct: Volume, region: Region, bmd: float, kvp: float = 120) -> np.ndarray:
    return correction_input(ct, region, bmd, line_for(kvp), CARD)


@pytest.mark.parametrize("vertebra", VERTEBRAE)
def test_network_sees_how_much_denser_the_body_is_than_its_region_reads(vertebra):
    """Density rises by 1 mg/cm3 per mm to the right; beside the ellipse of the body there is nothing."""
    ct, segmentation = case_of_density(BMD, 120, grid_of("straight"), tilt=1.0)
    region = place_region(segmentation.labels, vertebra)
    image = image_of(ct, region, BMD[vertebra] + region.centre_ras[0] - CENTRE_RAS[0])
    assert image.shape == (1, 40, 40, 40)
    mm = (np.arange(40) - 19.5) * 1.5
    middle = image[0, :, 20, 20]
    shown = np.where(middle > 0, middle * 550, middle * 250) / HA_HU_PER_MG_CM3
    inside = np.abs(mm) < RADII_MM[0] - 2
    np.testing.assert_allclose(shown[inside], mm[inside], atol=1.0)
    assert not middle[np.abs(mm) > RADII_MM[0] + 2].any()


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_input_is_the_same_on_any_grid(orientation):
    grid = grid_of(orientation, size=(100, 100, 100), spacing=(1.6, 1.6, 1.6))
    ct, _ = case_of_density(BMD, 120, grid, tilt=1.0)
    region = Region(CENTRE_RAS, np.diag([12.0, 9.0, 4.5]))
    right = image_of(ct, region, BMD["L1"])
    expected = np.clip((np.arange(40) - 19.5) * 1.5 * HA_HU_PER_MG_CM3, -250, 550)
    np.testing.assert_allclose(
        right[0, 10:30, 20, 20], (expected / np.where(expected < 0, 250, 550))[10:30], atol=0.005
    )


def test_same_bone_looks_the_same_at_every_tube_voltage_and_whatever_mineral_it_holds():
    images = []
    for kvp, more in ((80, 0), (100, 0), (120, 0), (140, 0), (120, 40)):
        bmd = {name: value + more for name, value in BMD.items()}
        ct, segmentation = case_of_density(bmd, kvp, grid_of("flipped"), tilt=1.0)
        images.append(image_of(ct, place_region(segmentation.labels, "L1"), bmd["L1"], kvp))
    assert images[0].max() > 0.02
    for image in images[1:]:
        np.testing.assert_allclose(image, images[0], atol=1e-4)


def test_input_ends_at_the_window():
    ct, segmentation = case_of_density(BMD, 120, grid_of("straight"), tilt=100.0)
    image = image_of(ct, place_region(segmentation.labels, "L1"), BMD["L1"])
    assert (image.min(), image.max()) == (-1.0, 1.0)


@pytest.mark.parametrize("kvp", [80, 100, 120, 140])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_density_of_each_vertebra_on_any_grid_and_at_any_voltage(orientation, kvp):
    ct, segmentation = case_of_density(BMD, kvp, grid_of(orientation))
    line = line_for(kvp)
    for name in VERTEBRAE:
        reading, density = reading_of(ct, segmentation, name), density_of(ct, segmentation, name, line)
        figures = density.of_vertebra(middle_figures(reading), mask_figures(ct, segmentation, name))
        assert figures.bmd_mg_cm3 == pytest.approx(BMD[name], abs=0.5)
        assert figures.network_bmd_mg_cm3 == pytest.approx(BMD[name] + 6.0, abs=0.5)
        assert figures.bmd_sd_mg_cm3 == pytest.approx(np.hypot(6.0, line.sd(figures.bmd_mg_cm3)), abs=0.2)
        assert density.probabilities.sum() == pytest.approx(1.0)


def test_water_reads_zero_and_marrow_without_mineral_minus_15():
    grid = grid_of("straight")
    segmentation = synthetic_case(grid)[1]
    for hu, bmd in ((0.0, 0.0), (-19.3, -15.0), (102.4, 80.0), (153.6, 120.0)):
        reading = reading_of(Volume(np.full(grid.size, hu, np.float32), grid), segmentation, "L1")
        assert line_for(120).bmd(reading.hu_mean) == pytest.approx(bmd, abs=0.1)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_hu_volume_and_centroid_on_any_grid(orientation):
    grid = grid_of(orientation)
    segmentation = synthetic_case(grid)[1]
    mask = segmentation.labels.array == LABELS["L1"]
    hu = np.random.default_rng(1).normal(150, 40, grid.size).astype(np.float32)
    ct = Volume(hu, grid)
    reading = reading_of(ct, segmentation, "L1")
    middle, own = middle_figures(reading), mask_figures(ct, segmentation, "L1")
    figures = density_of(ct, segmentation, "L1", line_for(120)).of_vertebra(middle, own)
    assert own.hu_mean == pytest.approx(hu[mask].mean(dtype=float), abs=1e-3)
    assert own.hu_sd == pytest.approx(hu[mask].std(dtype=float), abs=1e-3)
    assert (middle.hu_mean, middle.hu_sd) == (reading.hu_mean, reading.hu_sd)
    assert middle.voxels == reading.voxels and middle.region is reading.region
    assert figures.bmd_mg_cm3 == pytest.approx(line_for(120).bmd(middle.hu_mean))
    assert figures.network_bmd_mg_cm3 == pytest.approx(figures.bmd_mg_cm3 + 6.0)
    ellipsoid = 4 / 3 * np.pi * np.prod(RADII_MM)
    assert own.volume_mm3 == pytest.approx(ellipsoid, rel=0.03)
    np.testing.assert_allclose(own.centroid_ras_mm, CENTRE_RAS + BODIES["L1"], atol=0.3)
    assert own.confidence == 0.97


def test_hu_of_whole_numbers_do_not_overflow():
    """int16, as most files store HU: the sum over a mask is far beyond what int16 holds."""
    ct, segmentation = synthetic_case(grid_of("straight"))
    assert ct.volume.array.dtype == np.int16
    reading = reading_of(ct.volume, segmentation, "L2")
    own, middle = mask_figures(ct.volume, segmentation, "L2"), middle_figures(reading)
    assert own.hu_mean == 150.0 and own.hu_sd == 0.0
    assert middle.hu_mean == pytest.approx(150.0, abs=0.5) and middle.hu_sd == pytest.approx(0.0, abs=0.1)


def test_vertebra_that_cannot_be_measured_keeps_its_mask_figures_only():
    ct, segmentation = synthetic_case(grid_of("straight"))
    vertebra = UnmeasuredVertebra(None, mask_figures(ct.volume, segmentation, "L1"))
    figures = VertebraFigures.of(vertebra)
    assert np.isnan((figures.bmd_mg_cm3, figures.bmd_sd_mg_cm3, figures.network_bmd_mg_cm3)).all()
    assert figures.hu_mean == 150.0
    assert figures.volume_mm3 > 0


def test_vertebra_without_a_mask_has_no_figures():
    ct, segmentation = synthetic_case(grid_of("straight"))
    labels = np.where(segmentation.labels.array == LABELS["T12"], 0, segmentation.labels.array)
    without = Segmentation(Volume(labels, ct.volume.grid), {"L1": 0.9, "L2": 0.9})
    assert mask_figures(ct.volume, without, "T12") is None and middle_figures(None) is None
    figures = VertebraFigures.of(UnmeasuredVertebra(None, None))
    assert figures.volume_mm3 == 0.0
    assert np.isnan((figures.bmd_mg_cm3, figures.hu_mean, figures.hu_region, figures.region_voxels)).all()


def test_masks_given_by_the_user_have_no_confidence():
    ct, segmentation = synthetic_case(grid_of("straight"))
    assert mask_figures(ct.volume, Segmentation(segmentation.labels, {}), "L1").confidence is None


@pytest.mark.parametrize("missing", [BINS, BASE])
def test_model_that_corrects_no_reading_is_refused_in_one_sentence(missing):
    """Such as one of the former scale, whose bins lie around another density."""
    outputs = {name: value for name, value in CARD.outputs.items() if name != missing}
    with pytest.raises(BadInput, match="six-more 1 does not correct the reading of the region: it is of the"):
        Densitometer(SixMore(), replace(CARD, outputs=outputs))
