"""Where a body is read follows from its mask: in its middle, on its own axes, unmoved by spurs and strokes."""

from __future__ import annotations

import numpy as np
import pytest

from example_results import BODIES, RADII_MM, grid_of, synthetic_case
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.place_region import FORWARD, SHARE, SLAB_MM, body_height_mm, place_region

ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique", "coronal")
WIDTH, DEPTH, HEIGHT, STEP = 40.0, 30.0, 24.0, 34.0  # of a spine of elliptic cylinders, mm
MIDDLE = np.array([12.0, -34.0, 150.0])  # of the grids of `grid_of`


def spine(grid: Grid, lean: float = 0.0, tilt: float = 0.0, turn: float = 0.0) -> tuple[Volume, np.ndarray]:
    """Three elliptic cylinders along a straight spine, and its axes (rows right, front, up).

    Args:
        lean, tilt, turn: degrees, of the top backwards, of the top to the right, and about the spine.
    """
    a, b, c = np.deg2rad((lean, tilt, turn))
    up = np.array([np.sin(b), -np.sin(a), 1.0])
    up /= np.linalg.norm(up)
    right = np.array([np.cos(c), np.sin(c), 0.0])
    right = right - (right @ up) * up
    right /= np.linalg.norm(right)
    axes = np.stack((right, np.cross(up, right), up))
    ras = grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1)) - MIDDLE
    labels = np.zeros(grid.size, np.uint8)
    x, y, z = np.moveaxis(ras @ axes.T, -1, 0)
    for name, number in LABELS.items():
        height = z - STEP * (1 - VERTEBRAE.index(name))
        labels[((x / (WIDTH / 2)) ** 2 + (y / (DEPTH / 2)) ** 2 < 1) & (np.abs(height) < HEIGHT / 2)] = number
    return Volume(labels, grid), axes


def fine_grid(orientation: str = "straight", spacing: tuple = (0.9, 0.8, 1.25)) -> Grid:
    return grid_of(orientation, size=tuple(np.ceil(np.array([75, 75, 130]) / spacing).astype(int)), spacing=spacing)


def expected_centre(axes: np.ndarray, name: str) -> np.ndarray:
    return MIDDLE + np.array([0, FORWARD * DEPTH, STEP * (1 - VERTEBRAE.index(name))]) @ axes


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_it_is_the_middle_of_the_body_whatever_the_grid(orientation):
    """Bodies of the same patient on grids that are flipped, left-handed, oblique or stored from the front."""
    grid = fine_grid(orientation) if orientation != "coronal" else fine_grid(orientation, (0.9, 1.25, 0.8))
    if orientation == "coronal":
        grid = grid_of(orientation, size=(84, 104, 94), spacing=(0.9, 1.25, 0.8))
    labels, axes = spine(grid)
    region = place_region(labels, "L1")
    np.testing.assert_allclose(region.centre_ras, expected_centre(axes, "L1"), atol=0.6)
    np.testing.assert_allclose(region.half_mm, (SHARE * WIDTH / 2, SHARE * DEPTH / 2, SLAB_MM / 2), atol=0.5)
    np.testing.assert_allclose(region.half_axes / region.half_mm[:, None], axes, atol=0.05)


@pytest.mark.parametrize(("lean", "tilt", "turn"), [(20, 0, 0), (-15, 5, 0), (0, 15, 0), (0, 0, 20), (18, -8, 12)])
@pytest.mark.parametrize("name", VERTEBRAE)
def test_it_lies_on_the_vertebras_own_axes(lean, tilt, turn, name):
    labels, axes = spine(fine_grid(), lean, tilt, turn)
    region = place_region(labels, name)
    found = region.half_axes / region.half_mm[:, None]
    assert np.degrees(np.arccos(np.clip((found * axes).sum(axis=1), -1, 1))).max() < 5
    np.testing.assert_allclose(region.centre_ras, expected_centre(axes, name), atol=1.0)


def test_a_body_alone_is_read_by_its_own_endplates():
    labels, axes = spine(fine_grid(), lean=15)
    alone = Volume(np.where(labels.array == LABELS["L1"], labels.array, 0), labels.grid)
    region = place_region(alone, "L1")
    assert np.degrees(np.arccos(region.half_axes[2] @ axes[2] / region.half_mm[2])) < 6
    assert place_region(alone, "T12") is None


@pytest.mark.parametrize("thickness", [3.0, 5.0, 8.0])
@pytest.mark.parametrize("name", VERTEBRAE)
def test_thick_slices_move_it_by_a_small_part_of_themselves(thickness, name):
    labels, axes = spine(fine_grid(spacing=(0.9, 0.8, thickness)), lean=12)
    region = place_region(labels, name)
    away = (region.centre_ras - expected_centre(axes, name)) @ axes.T
    assert np.abs(away[:2]).max() < 1.0 and abs(away[2]) < 0.3 * thickness


def test_neither_a_spur_nor_a_stump_nor_a_stroke_of_the_brush_moves_it():
    labels, _ = spine(fine_grid())
    before = place_region(labels, "L1")
    ras = labels.grid.ras_of(np.moveaxis(np.indices(labels.grid.size), 0, -1)) - MIDDLE
    x, y, z = np.moveaxis(ras, -1, 0)
    edited = labels.array.copy()
    edited[(np.abs(x - 24) < 5) & (np.abs(y) < 2) & (np.abs(z - 9) < 2)] = LABELS["L1"]  # a spur at its upper edge
    edited[(np.abs(x + 14) < 4) & (y < -8) & (y > -24) & (z > 4) & (z < 12)] = LABELS["L1"]  # a pedicle's stump
    edited[(x - 16) ** 2 + (y + 6) ** 2 + (z + 9) ** 2 < 9] = 0  # something is rubbed out at its edge
    after = place_region(Volume(edited, labels.grid), "L1")
    assert (edited != labels.array).sum() > 500
    np.testing.assert_allclose(after.centre_ras, before.centre_ras, atol=0.4)
    np.testing.assert_allclose(after.half_mm, before.half_mm, atol=0.3)


def test_it_follows_a_mask_that_is_moved():
    labels, _ = spine(fine_grid())
    before = place_region(labels, "L1")
    moved = Volume(np.roll(labels.array, 4, axis=2), labels.grid)
    after = place_region(moved, "L1")
    np.testing.assert_allclose(after.centre_ras - before.centre_ras, (0, 0, 4 * 1.25), atol=0.1)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_round_bodies_are_read_in_their_middle(orientation):
    """Ellipsoids in voxels of 2 x 2.2 x 3 mm."""
    _, segmentation = synthetic_case(grid_of(orientation))
    for name in VERTEBRAE:
        region = place_region(segmentation.labels, name)
        centre = MIDDLE + BODIES[name] + np.array([0, FORWARD * 2 * RADII_MM[1], 0])
        np.testing.assert_allclose(region.centre_ras, centre, atol=1.6)


def test_height_is_that_of_the_mask_above_and_below_the_ellipse():
    labels, _ = spine(fine_grid())
    region = place_region(labels, "L1")
    assert body_height_mm(labels, "L1", region) == pytest.approx(HEIGHT, abs=1.3)


@pytest.mark.parametrize("voxels", [0, 1, 3])
def test_a_mask_of_a_few_voxels_is_no_body(voxels):
    labels, _ = spine(fine_grid())
    array = np.where(labels.array == LABELS["L2"], 0, labels.array)
    array[40 : 40 + voxels, 40, 10] = LABELS["L2"]
    assert place_region(Volume(array, labels.grid), "L2") is None


def test_masks_around_one_another_tell_no_direction_and_are_no_traceback():
    """Shells of T12 and L1 around L2: all three have one centre."""
    grid = fine_grid()
    away = np.linalg.norm(grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1)) - MIDDLE, axis=-1)
    labels = Volume(np.digitize(away, (15, 20, 25)).astype(np.uint8), grid)
    shells = Volume(np.where(labels.array > 2, 0, labels.array + 1).astype(np.uint8), grid)
    for name in VERTEBRAE:
        region = place_region(shells, name)
        assert region is None or np.isfinite(region.half_axes).all()
