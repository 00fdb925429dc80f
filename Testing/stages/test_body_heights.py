"""Heights in front, in the middle and behind follow from a mask on any grid, and are told of whole bodies only."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from example_results import grid_of
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.body_heights import ENDPLATES_MM, body_heights
from OpportunisticBMDLib.stages.place_region import place_region

WIDTH, DEPTH, HEIGHT, STEP = 40.0, 32.0, 24.0, 34.0  # of elliptic cylinders, mm
MIDDLE = np.array([12.0, -34.0, 150.0])  # of the grids of `grid_of`
ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique")


def fine_grid(orientation: str = "straight", spacing: tuple[float, float, float] = (0.9, 0.8, 1.25)) -> Grid:
    return grid_of(orientation, size=tuple(np.ceil(np.array([75, 75, 130]) / spacing).astype(int)), spacing=spacing)


def spine(
    grid: Grid, lean: float = 0.0, front: float = 0.0, middle: float = 0.0, sunk: float = 0.0, spur: bool = False
) -> Volume:
    """Three bodies one above the other, of which L1 has lost height.

    Args:
        lean: degrees, of the whole spine backwards.
        front, middle, sunk: mm that L1 lost at its front edge, in its middle, and everywhere.
        spur: at the front of L1.
    """
    angle = np.deg2rad(lean)
    up = np.array([0.0, -np.sin(angle), np.cos(angle)])
    axes = np.stack((np.array([1.0, 0, 0]), np.cross(up, (1.0, 0, 0)), up))
    x, y, z = np.moveaxis((grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1)) - MIDDLE) @ axes.T, -1, 0)
    labels = np.zeros(grid.size, np.uint8)
    for name, number in LABELS.items():
        height = z - STEP * (1 - VERTEBRAE.index(name))
        lost = np.zeros_like(z)
        if name == "L1":
            lost = sunk + front * (y + DEPTH / 2) / DEPTH + middle * np.exp(-(x**2 + y**2) / (0.36 * DEPTH) ** 2)
        is_body = ((x / (WIDTH / 2)) ** 2 + (y / (DEPTH / 2)) ** 2 < 1) & (np.abs(height) < (HEIGHT - lost) / 2)
        if spur and name == "L1":
            is_body |= (np.abs(x - 4) < 3) & (np.abs(y - DEPTH / 2) < 3) & (np.abs(height) < HEIGHT / 2 + 3)
        labels[is_body] = number
    return Volume(labels, grid)


def heights(labels: Volume) -> dict[str, tuple[float, ...]]:
    """Vertebra -> heights of its mask in front, in the middle and behind, mm."""
    regions = {name: region for name in VERTEBRAE if (region := place_region(labels, name)) is not None}
    return {name: tuple(np.array(astuple(h)) - ENDPLATES_MM) for name, h in body_heights(labels, regions).items()}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_whole_bodies_are_as_high_in_front_as_behind_on_any_grid(orientation):
    for found in heights(spine(fine_grid(orientation), lean=12)).values():
        assert found == pytest.approx((HEIGHT,) * 3, abs=0.8)


@pytest.mark.parametrize("thickness", [0.5, 2.5, 5.0])
def test_slices_up_to_5_mm_tell_heights_to_about_half_of_one(thickness):
    for found in heights(spine(fine_grid(spacing=(0.9, 0.8, thickness)), lean=12)).values():
        assert found == pytest.approx((HEIGHT,) * 3, abs=0.2 + 0.6 * thickness)


def test_thicker_slices_tell_no_heights():
    assert heights(spine(fine_grid(spacing=(0.9, 0.8, 5.5)))) == {}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_wedge_has_lost_height_in_front_and_not_behind(orientation):
    """The zone lies behind the edge and shows 0.85 of what the edge lost, that behind 0.1."""
    anterior, middle, posterior = heights(spine(fine_grid(orientation), front=8.0))["L1"]
    assert anterior == pytest.approx(HEIGHT - 0.85 * 8, abs=0.8)
    assert posterior == pytest.approx(HEIGHT - 0.1 * 8, abs=0.8)
    assert anterior < middle < posterior


def test_a_hollow_has_lost_height_in_the_middle():
    anterior, middle, posterior = heights(spine(fine_grid(), middle=8.0))["L1"]
    assert middle < HEIGHT - 5 and min(anterior, posterior) > HEIGHT - 4


def test_a_body_that_sank_as_a_whole_is_lower_everywhere():
    assert heights(spine(fine_grid(), lean=12, sunk=8.0))["L1"] == pytest.approx((HEIGHT - 8,) * 3, abs=0.8)


def test_a_spur_does_not_heighten_a_body():
    grid = fine_grid()
    assert heights(spine(grid, spur=True))["L1"] == pytest.approx(heights(spine(grid))["L1"], abs=0.4)


def test_neighbours_keep_their_heights_beside_a_body_that_sank():
    """The line through the middles bends at it; the axis of a body is its own."""
    found = heights(spine(fine_grid(), lean=10, front=14.0))
    for name in ("T12", "L2"):
        assert found[name] == pytest.approx((HEIGHT,) * 3, abs=0.8)


def test_a_body_at_the_edge_of_the_scan_has_no_height():
    grid = fine_grid()
    labels = spine(grid)
    rows = np.flatnonzero((labels.array == LABELS["T12"]).any(axis=(0, 1)))
    cut = labels.part((slice(0, grid.size[0]), slice(0, grid.size[1]), slice(0, int(rows.max()))))
    assert set(heights(cut)) == {"L1", "L2"}


def test_a_part_of_a_body_has_not_sunk_and_has_no_height():
    grid = fine_grid()
    labels = spine(grid)
    right = (grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1)) - MIDDLE)[..., 0]
    erased = np.where((labels.array == LABELS["L2"]) & (right > -6), 0, labels.array)
    assert set(heights(Volume(erased, grid))) == {"T12", "L1"}


def test_no_masks_have_no_heights():
    grid = fine_grid()
    assert heights(Volume(np.zeros(grid.size, np.uint8), grid)) == {}
