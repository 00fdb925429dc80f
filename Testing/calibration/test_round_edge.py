"""An insert's edge is a circle; what merely is even somewhere in a body has another, or none."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.calibration.round_edge import UP, across, round_edge
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume

GRID = Grid.axis_aligned((60, 60, 20), (1.5, 1.5, 1.5))
X, Y, Z = np.moveaxis(GRID.ras_of(np.stack(np.indices(GRID.size), axis=-1)), -1, 0)
MIDDLE, LENGTH_MM, MOST_MM = np.zeros(3), 9.0, 15.0


def scan(distance: np.ndarray, hu: float) -> Volume:
    """What lies within a surface shows these HU, all around it 0; the edge is 2 mm wide."""
    return Volume((hu * np.clip(0.5 - distance / 2, 0, 1)).astype(np.float32), GRID)


@pytest.mark.parametrize("radius", [8.0, 11.0, 14.0])
@pytest.mark.parametrize("hu", [300.0, 40.0, -40.0])
def test_a_rod_has_a_round_edge(radius, hu):
    edge = round_edge(scan(np.hypot(X, Y) - radius, hu), MIDDLE, UP, LENGTH_MM, MOST_MM)
    assert edge and edge.radius_mm == pytest.approx(radius, abs=1.5) and edge.inside_hu == pytest.approx(hu, abs=1.0)


@pytest.mark.parametrize(
    "distance",
    [
        (np.hypot(X / 1.4, Y) - 8.0),
        np.maximum(np.abs(X), np.abs(Y)) - 9.0,
        np.maximum(np.hypot(X, Y) - 10.0, -Y - 4.0),
        np.abs(X) - 8.0,
        np.hypot(X, Y) - 18.0,
        np.full(GRID.size, -9.0),
    ],
    ids=["ellipse", "square", "cut off", "open at two sides", "too large", "endless"],
)
def test_what_is_no_circle_has_none(distance):
    assert not round_edge(scan(distance, 300.0), MIDDLE, UP, LENGTH_MM, MOST_MM)


def test_a_trace_of_contrast_is_no_edge():
    assert not round_edge(scan(np.hypot(X, Y) - 10.0, 10.0), MIDDLE, UP, LENGTH_MM, MOST_MM)


def test_a_tilted_rod_is_round_around_its_own_axis():
    axis = np.array([0.5, 0.0, 1.0]) / np.hypot(0.5, 1.0)
    along = X * axis[0] + Z * axis[2]
    distance = np.sqrt((X - along * axis[0]) ** 2 + Y**2 + (Z - along * axis[2]) ** 2) - 9.0
    assert round_edge(scan(distance, 300.0), MIDDLE, axis, LENGTH_MM, MOST_MM)
    assert not round_edge(scan(distance, 300.0), MIDDLE, UP, 2 * LENGTH_MM, MOST_MM)


@pytest.mark.parametrize("axis", [UP, np.eye(3)[1], np.array([0.6, 0.0, 0.8])])
def test_directions_across_are_perpendicular(axis):
    frame = np.stack((*across(axis), axis))
    assert frame @ frame.T == pytest.approx(np.eye(3))
