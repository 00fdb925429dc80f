"""From masks to figures: what the densitometer's network sees, and what is computed from its answer."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
import torch
from example_results import BODIES, RADII_MM, grid_of, synthetic_case
from torch import Tensor, nn

from OpportunisticBMDLib.calibration import line_for, scanner_sd
from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.measure import Densitometer, Density, bmd_input, measured
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.profile import core_bmd
from OpportunisticBMDLib.result import Segmentation
from OpportunisticBMDLib.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.volume import Volume

CENTRE_RAS = np.array([12.0, -34.0, 150.0])
BINS = np.arange(-60.0, 61.0, 2.0)
CARD = ModelCard(
    stage="bmd",
    name="six-more",
    version="1",
    architecture={"name": "DenseNet121", "parameters": {}},
    grid={"spacing_mm": [1.5] * 3, "size": [40, 48, 72]},
    window={"low_hu": -250.0, "high_hu": 550.0},
    outputs={"bin_corrections_mg_cm3": BINS.tolist(), "profile_line": {"weights": {}, "offset": 0.0}},
    training={},
    figures={},
    licence="Apache-2.0",
    intended_use="Tests.",
)
ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique", "coronal")


class SixMore(nn.Module):
    """(N, 1, I, J, K) -> (N, B) logits: the bone holds 6 mg/cm3 more than its core, with an SD of 6."""

    def __init__(self) -> None:
        super().__init__()
        self.bins = nn.Parameter(torch.from_numpy(BINS).float(), requires_grad=False)

    def forward(self, image: Tensor) -> Tensor:
        return (-(((6 - self.bins) / 6) ** 2) / 2).expand(len(image), -1)


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


def density_of(ct: Volume, segmentation: Segmentation, vertebra: str) -> Density:
    return Densitometer(SixMore(), CARD).density(ct, segmentation.labels, vertebra, line_for(120))


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
    computed, own = line_for(120), replace(line_for(120), source="measured on this scanner")
    assert scanner_sd(own, 108.0) == 0.0
    # 5 % of 120 HU and 5 HU, each uniform, at 1.287 HU per mg/cm3
    assert scanner_sd(computed, 108.0) == pytest.approx(np.hypot(119.7 * 0.0289, 2.887) / 1.287, rel=0.01)
    ct, segmentation = case_of_density(BMD, 120, grid_of("straight"))
    densitometer = Densitometer(SixMore(), CARD)
    with_own, without = (densitometer.density(ct, segmentation.labels, "L1", line) for line in (own, computed))
    assert without.mean == pytest.approx(with_own.mean)
    assert without.sd == pytest.approx(np.hypot(with_own.sd, scanner_sd(computed, without.mean)))


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


@pytest.mark.parametrize("vertebra", VERTEBRAE)
def test_network_sees_only_the_vertebra_that_is_measured(vertebra):
    """Each has a density of its own, 30 mg/cm3 from the next one's: another would show as a jump of so much."""
    ct, segmentation = case_of_density(BMD, 120, grid_of("straight"), tilt=1.0)
    image = bmd_input(ct, segmentation.labels, vertebra, line_for(120), CARD).numpy()
    assert image.shape == (1, 40, 48, 72)
    seen = image[image != 0] * 800 / line_for(120).slope_hu_per_mg_cm3
    volume = (segmentation.labels.array == LABELS[vertebra]).sum()
    assert seen.size * 1.5**3 == pytest.approx(volume * segmentation.labels.grid.voxel_volume, rel=0.05)
    assert abs(seen).max() < RADII_MM[0] + 2.2


def test_input_is_centred_on_what_is_measured():
    ct, segmentation = case_of_density(BMD, 120, grid_of("oblique"), tilt=1.0)
    for vertebra in VERTEBRAE:
        index = np.argwhere(bmd_input(ct, segmentation.labels, vertebra, line_for(120), CARD)[0].numpy())
        middle = (index.min(axis=0) + index.max(axis=0)) / 2
        np.testing.assert_allclose(middle, (np.array(CARD.grid["size"]) - 1) / 2, atol=2.5)


def test_same_bone_looks_the_same_at_every_tube_voltage_and_whatever_mineral_it_holds():
    images = []
    for kvp, more in ((80, 0), (100, 0), (120, 0), (140, 0), (120, 40)):
        bmd = {name: value + more for name, value in BMD.items()}
        ct, segmentation = case_of_density(bmd, kvp, grid_of("flipped"), tilt=1.0)
        images.append(bmd_input(ct, segmentation.labels, "L1", line_for(kvp), CARD).numpy())
    assert images[0].max() > 0.02
    for image in images[1:]:
        np.testing.assert_allclose(image, images[0], atol=1e-4)


def test_input_ends_at_the_window():
    ct, segmentation = case_of_density(BMD, 120, grid_of("straight"), tilt=100.0)
    image = bmd_input(ct, segmentation.labels, "L1", line_for(120), CARD)
    level = (line_for(120).hu(core_bmd(ct, segmentation.labels, "L1", line_for(120))) + 250) / 800
    assert image.max().item() == pytest.approx(1 - level, abs=1e-4)
    assert image.min().item() == pytest.approx(-level, abs=1e-4)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_density_of_each_vertebra_on_any_grid(orientation):
    ct, segmentation = case_of_density(BMD, 100, grid_of(orientation))
    densitometer = Densitometer(SixMore(), CARD)
    for name in VERTEBRAE:
        density = densitometer.density(ct, segmentation.labels, name, line_for(100))
        figures = measured(ct, segmentation, name, line_for(100), density)
        assert figures.hu_line_bmd_mg_cm3 == pytest.approx(BMD[name], abs=0.5)
        assert figures.bmd_mg_cm3 == pytest.approx(BMD[name] + 6.0, abs=0.5)
        of_scanners = scanner_sd(line_for(100), figures.bmd_mg_cm3)
        assert figures.bmd_sd_mg_cm3 == pytest.approx(np.hypot(6.0, of_scanners), abs=0.2)
        assert density.probabilities.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_hu_volume_and_centroid_on_any_grid(orientation):
    grid = grid_of(orientation)
    segmentation = synthetic_case(grid)[1]
    mask = segmentation.labels.array == LABELS["L1"]
    hu = np.random.default_rng(1).normal(150, 40, grid.size).astype(np.float32)
    ct = Volume(hu, grid)
    figures = measured(ct, segmentation, "L1", line_for(120), density_of(ct, segmentation, "L1"))
    assert figures.measurable
    assert figures.hu_mean == pytest.approx(hu[mask].mean(dtype=float), abs=1e-3)
    assert figures.hu_sd == pytest.approx(hu[mask].std(dtype=float), abs=1e-3)
    assert figures.hu_line_bmd_mg_cm3 == pytest.approx(line_for(120).bmd(figures.hu_mean))
    ellipsoid = 4 / 3 * np.pi * np.prod(RADII_MM)
    assert figures.volume_mm3 == pytest.approx(ellipsoid, rel=0.03)
    np.testing.assert_allclose(figures.centroid_ras_mm, CENTRE_RAS + BODIES["L1"], atol=0.3)
    assert figures.segmentation_confidence == 0.97


def test_hu_of_whole_numbers_do_not_overflow():
    """int16, as most files store HU: the sum over a mask is far beyond what int16 holds."""
    ct, segmentation = synthetic_case(grid_of("straight"))
    assert ct.volume.array.dtype == np.int16
    figures = measured(ct.volume, segmentation, "L2", line_for(120), None)
    assert figures.hu_mean == 150.0
    assert figures.hu_sd == 0.0


def test_vertebra_that_cannot_be_measured_keeps_its_mask_figures_only():
    ct, segmentation = synthetic_case(grid_of("straight"))
    figures = measured(ct.volume, segmentation, "L1", line_for(120), None)
    assert not figures.measurable
    assert (figures.bmd_mg_cm3, figures.bmd_sd_mg_cm3, figures.hu_line_bmd_mg_cm3) == (None, None, None)
    assert figures.hu_mean == 150.0
    assert figures.volume_mm3 > 0


def test_vertebra_without_a_mask_has_no_figures():
    ct, segmentation = synthetic_case(grid_of("straight"))
    labels = np.where(segmentation.labels.array == LABELS["T12"], 0, segmentation.labels.array)
    without = Segmentation(Volume(labels, ct.volume.grid), {"L1": 0.9, "L2": 0.9})
    figures = measured(ct.volume, without, "T12", line_for(120), None)
    assert not figures.measurable
    assert figures.volume_mm3 == 0.0
    assert (figures.bmd_mg_cm3, figures.hu_mean, figures.centroid_ras_mm) == (None, None, None)


def test_masks_given_by_the_user_have_no_confidence():
    ct, segmentation = synthetic_case(grid_of("straight"))
    density = density_of(ct.volume, segmentation, "L1")
    figures = measured(ct.volume, Segmentation(segmentation.labels, {}), "L1", line_for(120), density)
    assert figures.segmentation_confidence is None


@pytest.mark.parametrize("missing", ["bin_corrections_mg_cm3", "profile_line"])
def test_model_without_bins_or_weights_is_refused_in_one_sentence(missing):
    outputs = {name: value for name, value in CARD.outputs.items() if name != missing}
    with pytest.raises(BadInput, match=f"six-more 1 names no {missing}"):
        Densitometer(SixMore(), replace(CARD, outputs=outputs))


@pytest.mark.parametrize(
    "line",
    [{"weights": {}}, {"weights": {"hole": 1.0}, "offset": 0.0}, {"weights": {"deep": "1"}, "offset": 0.0}, "1", None],
)
def test_model_with_unusable_weights_is_refused_in_one_sentence(line):
    outputs = {**CARD.outputs, "profile_line": line}
    with pytest.raises(BadInput, match=r"profile_line of the bmd model six-more 1 cannot be used: fit or install it"):
        Densitometer(SixMore(), replace(CARD, outputs=outputs))
