"""Projections show each point of the patient in the right pixel, and lead back from the pixels to the patient."""

from __future__ import annotations

import numpy as np
import pytest

from grids import every_grid
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.stages.projection import PADDING_MM, Projection, coronal, sagittal

GRID = Grid.axis_aligned((40, 30, 50), (2.0, 2.0, 2.0), (12.0, -34.0, 150.0))
VOXEL = (31, 8, 20)


@pytest.fixture
def one_bright_voxel() -> Volume:
    hu = np.full(GRID.size, AIR_HU, np.float32)
    hu[VOXEL] = 700.0
    return Volume(hu, GRID)


def outer_faces(voxel: tuple[int, int, int]) -> np.ndarray:
    """(3, 2) mm."""
    return GRID.cropped(voxel, (1, 1, 1)).bounds_ras


def pixel_box(projection: Projection) -> np.ndarray:
    """(x0, y0, x1, y1) around everything brighter than half grey in the picture."""
    rows, columns = np.nonzero(projection.picture(0.0, 700.0)[0] > 0.5)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def test_coronal_rows_run_to_the_head_and_columns_to_the_right(one_bright_voxel):
    projection = coronal(one_bright_voxel)
    assert projection.pixels.shape == (50, 40)
    assert projection.pixels[20, 31] == 700.0
    assert (projection.pixels == 700.0).sum() == 1


def test_sagittal_rows_run_to_the_head_and_columns_to_the_front(one_bright_voxel):
    right = outer_faces(VOXEL)[0].mean()
    projection = sagittal(one_bright_voxel, (right - 10, right + 10))
    assert projection.pixels.shape == (50, 30)
    assert projection.pixels[20, 8] == 700.0
    assert (projection.pixels == 700.0).sum() == 1


def test_box_around_the_bright_pixel_is_the_voxel_in_the_patient(one_bright_voxel):
    right, front, height = outer_faces(VOXEL)
    whole = (-1000.0, 1000.0)
    for projection, across in ((coronal(one_bright_voxel), right), (sagittal(one_bright_voxel, whole), front)):
        np.testing.assert_allclose(projection.to_mm(pixel_box(projection)), [across, height])
        np.testing.assert_allclose(projection.to_pixels(across, height), pixel_box(projection))


@pytest.mark.parametrize("box", [(0.0, 0.0, 10.0, 20.0), (70.3, 81.2, 95.0, 140.7), (-12.0, 3.0, 300.0, 400.0)])
def test_millimetres_lead_back_to_the_same_pixels(one_bright_voxel, box):
    projection = coronal(one_bright_voxel)
    np.testing.assert_allclose(projection.to_pixels(*projection.to_mm(box)), box)


def test_projection_keeps_the_brightest_voxel_of_each_line():
    hu = np.random.default_rng(0).normal(0, 200, GRID.size).astype(np.float32)
    projection = coronal(Volume(hu, GRID))
    assert projection.pixels[17, 5] == hu[5, :, 17].max()


def test_picture_is_windowed_and_has_air_all_around():
    pixels = np.array([[-500.0, 0.0], [500.0, 3000.0]], np.float32)
    projection = Projection(pixels, (0.0, 0.0), 2.0)
    picture = projection.picture(0.0, 1000.0)
    pad = round(PADDING_MM / 2.0)
    assert projection.padding == pad == 32
    assert picture.shape == (3, 2 + 2 * pad, 2 + 2 * pad)
    for channel in picture:
        np.testing.assert_allclose(channel[pad:-pad, pad:-pad], [[0, 0], [0.5, 1]])
    assert picture.sum() == pytest.approx(3 * 1.5)


def test_slab_leaves_the_ribs_out(one_bright_voxel):
    spine = outer_faces(VOXEL)[0].mean() - 30.0
    projection = sagittal(one_bright_voxel, (spine - 15, spine + 15))
    assert projection.pixels.max() == AIR_HU
    assert projection.pixels.shape == (50, 30)


def test_slab_beyond_the_scan_shows_the_outermost_sagittal_plane():
    hu = np.zeros(GRID.size, np.float32)
    hu[0], hu[-1] = 100.0, 200.0
    assert (sagittal(Volume(hu, GRID), (-500.0, -470.0)).pixels == 100.0).all()
    assert (sagittal(Volume(hu, GRID), (470.0, 500.0)).pixels == 200.0).all()


@every_grid
def test_bright_spot_is_found_again_from_any_grid(grid):
    spot = grid.ras_of(np.array(grid.size) / 2 + (1.3, -0.8, 0.4))
    centres = grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1))
    hu = 1500.0 * np.exp(-0.5 * (np.linalg.norm(centres - spot, axis=-1) / 2.5) ** 2)
    ras = Volume(hu.astype(np.float32), grid).resampled(grid.covering((1.0,) * 3))
    tolerance = 0.5 + grid.spacing.max() / 2
    for projection, across in ((coronal(ras), spot[0]), (sagittal(ras, (spot[0] - 4, spot[0] + 4)), spot[1])):
        row, column = np.unravel_index(projection.pixels.argmax(), projection.pixels.shape)
        corner = np.array([column, row]) + projection.padding
        found = projection.to_mm((*corner, *(corner + 1))).mean(axis=1)
        np.testing.assert_allclose(found, [across, spot[2]], atol=tolerance)


def test_coarsened_pixels_are_means_at_the_same_place():
    pixels = np.arange(5 * 8, dtype=np.float32).reshape(5, 8)
    fine = Projection(pixels, (10.0, -20.0), 1.5)
    coarse = fine.coarsened(3.0)
    assert coarse.spacing_mm == 3.0 and coarse.pixels.shape == (2, 4)
    assert coarse.pixels[1, 2] == pixels[2:4, 4:6].mean()
    edges = np.array([[13.0, 19.0], [-17.0, -14.0]])
    np.testing.assert_allclose(coarse.to_mm(coarse.to_pixels(*edges)), edges)
    np.testing.assert_allclose(fine.coarsened(1.5).pixels, pixels)
