"""Index, RAS and LPS coordinates agree with SimpleITK on every kind of grid."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from grids import GRIDS, every_grid, rotated
from OpportunisticBMDLib.core.grid import Grid


def corners_and_inside(grid: Grid) -> list[tuple[int, int, int]]:
    i, j, k = grid.size
    return [(0, 0, 0), (i - 1, 0, 0), (0, j - 1, 0), (0, 0, k - 1), (i - 1, j - 1, k - 1), (1, j // 2, k // 3)]


def stamped(grid: Grid) -> sitk.Image:
    image = sitk.Image(grid.size, sitk.sitkUInt8)
    grid.stamp_on(image)
    return image


@every_grid
def test_indices_come_back_from_patient_space(grid: Grid) -> None:
    index = np.random.default_rng(0).uniform(-5, 40, size=(7, 11, 3))
    np.testing.assert_allclose(grid.index_of(grid.ras_of(index)), index, atol=1e-9)


@every_grid
def test_simpleitk_sees_every_voxel_at_the_same_point(grid: Grid) -> None:
    image = stamped(grid)
    for index in corners_and_inside(grid):
        left, posterior, superior = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(grid.ras_of(np.array(index)), (-left, -posterior, superior), atol=1e-6)


@every_grid
def test_a_grid_comes_back_from_simpleitk(grid: Grid) -> None:
    again = Grid.of_sitk(stamped(grid))
    assert again.size == grid.size
    np.testing.assert_allclose(again.affine, grid.affine, atol=1e-9)


@every_grid
def test_a_grid_comes_back_from_nifti(grid: Grid, tmp_path) -> None:
    path = str(tmp_path / "grid.nii.gz")
    sitk.WriteImage(stamped(grid), path)
    assert Grid.of_sitk(sitk.ReadImage(path)).is_close(grid, tolerance_mm=1e-2)


@every_grid
def test_spacing_and_volume_are_those_of_simpleitk(grid: Grid) -> None:
    image = stamped(grid)
    np.testing.assert_allclose(grid.spacing, image.GetSpacing())
    assert grid.voxel_volume == pytest.approx(np.prod(image.GetSpacing()))


@every_grid
def test_the_bounds_hold_every_voxel_and_not_much_more(grid: Grid) -> None:
    low, high = grid.bounds_ras.T
    centres = grid.ras_of(np.argwhere(np.ones(grid.size)))
    assert (centres > low).all() and (centres < high).all()
    reach = np.abs(grid.affine[:3, :3]).sum(axis=1) / 2  # from a voxel's centre to its furthest corner
    np.testing.assert_allclose(centres.min(axis=0) - reach, low, atol=1e-9)
    np.testing.assert_allclose(centres.max(axis=0) + reach, high, atol=1e-9)


@every_grid
def test_a_crop_keeps_its_voxels_in_place(grid: Grid) -> None:
    crop = grid.cropped((3, -2, 1), (4, 5, 6))
    assert crop.size == (4, 5, 6)
    np.testing.assert_allclose(crop.ras_of(np.array([1, 4, 2])), grid.ras_of(np.array([4, 2, 3])), atol=1e-9)


@every_grid
def test_the_covering_grid_is_axis_aligned_and_as_large(grid: Grid) -> None:
    spacing = np.array([0.75, 0.75, 1.25])
    covering = grid.covering(spacing)
    np.testing.assert_array_equal(covering.affine[:3, :3], np.diag(spacing))
    assert (np.abs(covering.bounds_ras - grid.bounds_ras) <= spacing[:, None] / 2 + 1e-9).all()


def test_axes_are_found_in_any_order() -> None:
    grid = GRIDS["permuted"]
    assert [grid.axis_towards(direction) for direction in range(3)] == [1, 2, 0]
    oblique = Grid((4, 5, 6), rotated(GRIDS["canonical"].affine, degrees=(12, -9, 15)))
    assert [oblique.axis_towards(direction) for direction in range(3)] == [0, 1, 2]
    assert grid.nearest_axes[0] == (1, 2, 0)
    assert oblique.nearest_axes == ((0, 1, 2), (1, 1, 1))
    assert GRIDS["head first"].nearest_axes == ((0, 1, 2), (-1, -1, -1))


def test_an_axis_aligned_grid_is_centred() -> None:
    grid = Grid.axis_aligned((150, 220, 120), (0.75, 0.75, 1.25), (10.0, -20.0, 30.0))
    np.testing.assert_allclose(grid.bounds_ras.mean(axis=1), (10, -20, 30))
    np.testing.assert_allclose(np.ptp(grid.bounds_ras, axis=1), (112.5, 165, 150))


def test_grids_that_differ_are_told_apart() -> None:
    grid = GRIDS["oblique"]
    moved = grid.affine.copy()
    moved[0, 3] += 0.01
    assert grid.is_close(Grid(grid.size, grid.affine + 1e-7))
    assert not grid.is_close(Grid(grid.size, moved))
    assert not grid.is_close(grid.cropped((0, 0, 0), (4, 4, 4)))
    tilted = grid.affine.copy()
    tilted[:3, 2] *= 1.01
    assert not grid.is_close(Grid(grid.size, tilted))


@pytest.mark.parametrize(
    ("size", "affine"),
    [((4, 4, 0), np.eye(4)), ((4, 4), np.eye(4)), ((4, 4, 4), np.zeros((4, 4))), ((4, 4, 4), np.eye(3))],
)
def test_a_grid_cannot_be_half_right(size: tuple, affine: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a grid needs"):
        Grid(size, affine)


def test_an_affine_that_is_not_finite_is_refused() -> None:
    affine = np.eye(4)
    affine[1, 3] = np.nan
    with pytest.raises(ValueError, match="invertible"):
        Grid((4, 4, 4), affine)


def test_a_grid_cannot_be_changed_from_outside() -> None:
    affine = np.eye(4)
    grid = Grid((2, 2, 2), affine)
    affine[0, 3] = 99
    assert grid.affine[0, 3] == 0
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 3] = 99


@every_grid
def test_part_under_holds_every_voxel_of_a_grid_within(grid):
    inner = Grid.axis_aligned((5, 4, 3), (1.1, 0.9, 1.3), grid.ras_of((np.array(grid.size) - 1) / 2))
    ranges = grid.part_under(inner)
    index = grid.index_of(inner.ras_of(np.indices(inner.size).reshape(3, -1).T))
    inside = [np.clip(index[:, axis], 0, grid.size[axis] - 1) for axis in range(3)]
    assert all(r.start <= x.min() and x.max() <= r.stop - 1 for r, x in zip(ranges, inside))


def test_part_under_a_grid_elsewhere_is_one_voxel_not_none():
    grid = Grid.axis_aligned((10, 10, 10), (1, 1, 1))
    away = Grid.axis_aligned((3, 3, 3), (1, 1, 1), (500, -500, 0))
    assert all(r.stop > r.start for r in grid.part_under(away))
