"""What a region reads: a weighted mean that mineral moves one to one, without what is no cancellous bone."""

from __future__ import annotations

import numpy as np
import pytest

from example_results import grid_of
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.read_region import METAL_HU, read_region

MIDDLE = np.array([12.0, -34.0, 150.0])
REGION = Region(MIDDLE, np.diag([12.0, 9.0, 4.5]))
BONE_HU = 140.0


def offsets(grid: Grid) -> tuple[np.ndarray, ...]:
    """(I, J, K) mm to the right, front and head of the region's centre."""
    return tuple(np.moveaxis(grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1)) - MIDDLE, -1, 0))


def scan(thickness: float = 1.25, hu=lambda x, y, z: BONE_HU + 0 * x, noise: float = 0.0) -> tuple[Volume, Volume]:
    """A CT whose slices are means over themselves, and L1 everywhere."""
    size = (70, 70, int(60 / thickness))
    grid = grid_of("straight", size=size, spacing=(0.9, 0.9, thickness))
    x, y, z = offsets(grid)
    parts = (np.arange(25) + 0.5) / 25 - 0.5
    array = np.mean([hu(x, y, z + part * thickness) for part in parts], axis=0)
    array = array + np.random.default_rng(0).normal(0, noise, size)
    return Volume(array.astype(np.float32), grid), Volume(np.full(size, LABELS["L1"], np.uint8), grid)


def read(ct: Volume, labels: Volume, region: Region = REGION) -> Reading:
    return read_region(ct, labels, "L1", region)


def with_ball(ct: Volume, centre: tuple, radius: float, hu: float) -> Volume:
    x, y, z = offsets(ct.grid)
    inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 < radius**2
    return Volume(np.where(inside, np.float32(hu), ct.array), ct.grid)


def test_uniform_bone_is_read_as_it_is():
    reading = read(*scan())
    assert (reading.hu_mean, reading.hu_sd) == pytest.approx((BONE_HU, 0.0), abs=0.01)
    assert reading.covered == pytest.approx(1.0, abs=0.01) and reading.left_out_share == 0
    assert reading.voxels == pytest.approx(REGION.volume_mm3 / (0.9 * 0.9 * 1.25), rel=0.01)


def test_sd_is_that_of_the_voxels():
    assert read(*scan(noise=25.0)).hu_sd == pytest.approx(25.0, rel=0.05)


def test_a_gradient_is_read_at_the_centre():
    ct, labels = scan(hu=lambda x, y, z: BONE_HU + 2 * x - 1.5 * y + 3 * z)
    assert read(ct, labels).hu_mean == pytest.approx(BONE_HU, abs=0.3)


@pytest.mark.parametrize("thickness", [1.25, 2.5, 5.0, 8.0])
@pytest.mark.parametrize("shift", [0.0, 1.7, 3.1])
def test_slices_of_any_thickness_read_the_same_of_bone_that_is_denser_at_the_endplates(thickness, shift):
    """HU rise with the square of the height: the mean over the slab of 9 mm is known, 0.5 x 4.5^2 / 3."""
    ct, labels = scan(thickness, lambda x, y, z: BONE_HU + 0.5 * z**2)
    region = Region(MIDDLE + (0, 0, shift), np.diag([12.0, 9.0, 4.5]))
    expected = BONE_HU + 0.5 * (4.5**2 / 3 + shift**2)
    # The phase of thick slices remains: it is their average that is free of blur.
    assert read(ct, labels, region).hu_mean == pytest.approx(expected, abs=0.02 + 0.055 * thickness**2)


def test_blur_of_thick_slices_is_taken_off_on_average():
    errors = []
    for shift in np.linspace(-4, 4, 9)[:-1]:
        ct, labels = scan(8.0, lambda x, y, z: BONE_HU + 0.5 * z**2)
        region = Region(MIDDLE + (0, 0, shift), np.diag([12.0, 9.0, 4.5]))
        errors.append(read(ct, labels, region).hu_mean - (BONE_HU + 0.5 * (4.5**2 / 3 + shift**2)))
    assert abs(np.mean(errors)) < 0.5  # with the blur it would be 0.5 x 8^2 / 6 = 5.3 HU


@pytest.mark.parametrize("added_hu", [-80.0, 77.0])
@pytest.mark.parametrize("thickness", [1.25, 5.0])
def test_mineral_that_is_added_moves_the_mean_by_as_much_and_nothing_else(added_hu, thickness):
    ct, labels = scan(thickness, lambda x, y, z: BONE_HU + 0.5 * z**2 + 8 * np.sin(x), noise=20.0)
    ct = with_ball(ct, (5, 3, 0), 4.5, 700.0)
    before, after = read(ct, labels), read(Volume(ct.array + np.float32(added_hu), ct.grid), labels)
    assert after.hu_mean - before.hu_mean == pytest.approx(added_hu, abs=0.01)
    assert after.hu_sd == pytest.approx(before.hu_sd, abs=0.01) and after.left_out == pytest.approx(before.left_out)


@pytest.mark.parametrize(
    ("hu", "cause"), [(900.0, "dense"), (-90.0, "hollow"), (2 * METAL_HU, "metal")], ids=["sclerosis", "cyst", "cement"]
)
def test_lumps_that_are_no_cancellous_bone_are_left_out(hu, cause):
    ct, labels = scan(noise=20.0)
    plain = read(ct, labels)
    reading = read(with_ball(ct, (4, 2, 0), 4.5, hu), labels)
    assert reading.left_out[cause] > 0.05
    assert reading.hu_mean == pytest.approx(plain.hu_mean, abs=9.0)
    assert abs(np.mean([with_ball(ct, (4, 2, 0), 4.5, hu).array[30:40, 30:40, 24].mean() - BONE_HU])) > 9.0


def test_dense_bone_that_fills_much_of_the_region_does_not_hide_itself():
    """It raises the SD of the region, so that a limit of 4 SD lies above it."""
    ct, labels = scan(hu=lambda x, y, z: BONE_HU + 20 * np.sin(x) + 350.0 * (x > 1.0), noise=45.0)
    reading = read(ct, labels)
    assert 0.35 < reading.left_out["dense"] < 0.6 and reading.left_out["hollow"] == 0
    assert reading.hu_mean == pytest.approx(BONE_HU, abs=12.0)


def test_uneven_bone_without_lumps_is_read_whole():
    ct, labels = scan(hu=lambda x, y, z: BONE_HU + 75 * np.sin(x / 2) * np.sin(y / 2), noise=20.0)
    assert read(ct, labels).left_out_share == 0


def test_grain_and_noise_are_no_lumps():
    assert read(*scan(noise=45.0)).left_out_share < 0.005


def test_what_a_person_rubs_out_is_not_read():
    ct, labels = scan()
    x, _, _ = offsets(ct.grid)
    ct = Volume(np.where(x > 3, np.float32(190), ct.array), ct.grid)
    erased = Volume(np.where(x > 3, 0, labels.array).astype(np.uint8), labels.grid)
    assert read(ct, labels).hu_mean > BONE_HU + 10
    reading = read(ct, erased)
    assert reading.hu_mean == pytest.approx(BONE_HU, abs=0.01) and 0.2 < reading.left_out["not in the mask"] < 0.5


def test_masks_beside_the_region_do_not_matter():
    ct, labels = scan(noise=20.0)
    x, y, _ = offsets(ct.grid)
    edited = Volume(np.where(np.hypot(x / 12, y / 9) > 1.15, 0, labels.array).astype(np.uint8), labels.grid)
    assert (edited.array == 0).any()
    first, second = read(ct, labels), read(ct, edited)
    assert (first.hu_mean, first.hu_sd, first.voxels) == (second.hu_mean, second.hu_sd, second.voxels)


def test_a_region_that_the_scan_cuts_says_how_much_is_there():
    ct, labels = scan()
    half = ct.part((slice(0, 70), slice(0, 70), slice(0, 24)))
    reading = read(half, labels.part((slice(0, 70), slice(0, 70), slice(0, 24))))
    assert 0.3 < reading.covered < 0.7
    gone = read(ct, labels, Region(MIDDLE + 500, REGION.half_axes))
    assert gone.covered == 0 and gone.voxels == 0 and np.isnan(gone.hu_mean)
