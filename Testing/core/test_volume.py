"""Voxels stay at their point of the patient, whatever grid they are stored on and resampled to."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from grids import GRIDS, every_grid
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import AIR_HU, Volume

SLOPE_HU_PER_MM = np.array([1.7, -2.3, 3.1])


def hu_at(ras: np.ndarray) -> np.ndarray:
    """A ramp in patient space: linear interpolation has to give it exactly."""
    return ras @ SLOPE_HU_PER_MM + 50.0


def ramp_on(grid: Grid) -> Volume:
    return Volume(hu_at(centres_of(grid)).astype(np.float32), grid)


def centres_of(grid: Grid) -> np.ndarray:
    """(I, J, K, 3) RAS mm."""
    return grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1))


def inside(target: Grid, source: Grid, margin: float = 0.0) -> np.ndarray:
    """Voxels of the target whose centre lies that many source voxels inside the source's outer voxel centres."""
    index = source.index_of(centres_of(target))
    return ((index >= margin) & (index <= np.array(source.size) - 1 - margin)).all(axis=-1)


def beyond(target: Grid, source: Grid) -> np.ndarray:
    """Voxels of the target that lie outside every voxel of the source."""
    index = source.index_of(centres_of(target))
    return ((index < -0.51) | (index > np.array(source.size) - 0.49)).any(axis=-1)


@every_grid
def test_simpleitk_finds_each_value_at_its_patient_point(grid: Grid) -> None:
    volume = ramp_on(grid)
    image = volume.to_sitk()
    for index in ((0, 0, 0), (5, 3, 2), (grid.size[0] - 1, 0, grid.size[2] - 1)):
        left, posterior, superior = image.TransformIndexToPhysicalPoint(index)
        assert image[index] == volume.array[index]
        assert image[index] == pytest.approx(hu_at(np.array([-left, -posterior, superior])), abs=1e-3)


@every_grid
def test_a_volume_comes_back_from_simpleitk(grid: Grid) -> None:
    volume = ramp_on(grid)
    again = Volume.from_sitk(volume.to_sitk())
    np.testing.assert_array_equal(again.array, volume.array)
    assert again.grid.is_close(grid)


@every_grid
def test_a_file_read_by_simpleitk_holds_the_same_patient(grid: Grid, tmp_path) -> None:
    volume = ramp_on(grid)
    path = str(tmp_path / "ct.nrrd")
    sitk.WriteImage(volume.to_sitk(), path)
    again = Volume.from_sitk(sitk.ReadImage(path))
    np.testing.assert_allclose(again.array, hu_at(centres_of(again.grid)), atol=1e-2)


@every_grid
def test_a_ramp_in_the_patient_survives_resampling(grid: Grid) -> None:
    finest = float(grid.spacing.min())
    target = grid.covering((finest, finest, finest))
    resampled = ramp_on(grid).resampled(target)

    within = inside(target, grid, margin=1e-6)
    assert within.mean() > 0.1
    np.testing.assert_allclose(resampled.array[within], hu_at(centres_of(target))[within], atol=0.05)
    assert (resampled.array[beyond(target, grid)] == AIR_HU).all()


@every_grid
def test_a_ramp_survives_the_way_back_onto_the_input_grid(grid: Grid) -> None:
    finest = float(grid.spacing.min())
    covering = grid.covering((finest, finest, finest))
    margin = int(3 * grid.spacing.max() / finest)  # averaging over thick slices reaches that far
    canonical = covering.cropped((-margin,) * 3, np.array(covering.size) + 2 * margin)
    back = ramp_on(canonical).resampled(grid)
    np.testing.assert_allclose(back.array, hu_at(centres_of(grid)), atol=0.2)


@every_grid
def test_labels_keep_their_place(grid: Grid) -> None:
    labels = np.zeros(grid.size, np.uint8)
    labels[4:15, 5:13, 3:12] = 2
    volume = Volume(labels, grid)
    fine = grid.covering(np.full(3, grid.spacing.min() / 2))
    there = volume.resampled_labels(fine)
    assert there.array.dtype == np.uint8
    assert set(np.unique(there.array)) == {0, 2}
    assert there.array.sum() * fine.voxel_volume == pytest.approx(labels.sum() * grid.voxel_volume, rel=0.05)
    np.testing.assert_array_equal(there.resampled_labels(grid).array[inside(grid, fine)], labels[inside(grid, fine)])


def test_the_same_grid_changes_nothing() -> None:
    volume = ramp_on(GRIDS["oblique and left-handed"])
    np.testing.assert_allclose(volume.resampled(volume.grid).array, volume.array, atol=1e-3)


def noise_on(grid: Grid) -> Volume:
    return Volume(np.random.default_rng(0).normal(0, 100, grid.size).astype(np.float32), grid)


def test_a_coarser_grid_averages_noise() -> None:
    """The values of one coarse voxel are near to the mean of the fine voxels in it, not one of them picked out."""
    fine = Grid.axis_aligned((64, 64, 64), (1.0, 1.0, 1.0))
    coarse = Grid.axis_aligned((16, 16, 16), (4.0, 4.0, 4.0))
    volume = noise_on(fine)
    resampled = volume.resampled(coarse).array
    means = volume.array.reshape(16, 4, 16, 4, 16, 4).mean(axis=(1, 3, 5))
    assert resampled.std() < 25
    assert np.corrcoef(resampled.ravel(), means.ravel())[0, 1] > 0.8


def test_a_finer_grid_does_not_blur() -> None:
    grid = Grid.axis_aligned((32, 32, 32), (1.0, 1.0, 1.0))
    volume = noise_on(grid)
    fine = Grid.axis_aligned((63, 63, 63), (0.5, 0.5, 0.5))
    np.testing.assert_allclose(volume.resampled(fine).array[::2, ::2, ::2], volume.array, atol=0.01)


@pytest.mark.parametrize("coarse_axis", range(3))
def test_averaging_follows_the_patient_not_the_order_of_the_axes(coarse_axis: int) -> None:
    """A target whose axes are permuted is blurred along the patient's axis that gets coarser, and only along it."""
    fine = Grid.axis_aligned((48, 48, 48), (1.0, 1.0, 1.0))
    spacing = np.ones(3)
    spacing[coarse_axis] = 4.0
    straight = fine.covering(spacing)
    order = [2, 0, 1]
    permuted = Grid(tuple(np.array(straight.size)[order]), straight.affine[:, [*order, 3]])
    volume = noise_on(fine)
    np.testing.assert_allclose(
        volume.resampled(permuted).array, volume.resampled(straight).array.transpose(order), atol=1e-3
    )


def test_a_mask_becomes_an_image() -> None:
    mask = np.zeros((3, 4, 5), bool)
    mask[1, 2, 3] = True
    image = Volume(mask, Grid((3, 4, 5), np.eye(4))).to_sitk()
    assert image.GetPixelID() == sitk.sitkUInt8
    assert image[1, 2, 3] == 1 and sitk.GetArrayViewFromImage(image).sum() == 1


def test_array_and_grid_have_to_agree() -> None:
    with pytest.raises(ValueError, match=r"\(3, 4, 5\).*\(5, 4, 3\)"):
        Volume(np.zeros((3, 4, 5)), Grid((5, 4, 3), np.eye(4)))
