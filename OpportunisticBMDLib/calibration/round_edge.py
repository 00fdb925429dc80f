"""How far from a place something else begins, where that is equally far in all directions, as around an insert."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.volume import Volume

UP = np.array([0.0, 0.0, 1.0])
EDGE_HU = 15.0  # from the inside's mean: there something else begins
INSIDE_MM = 4.0  # around the middle, where that mean is taken
BEYOND_MM = 3.0  # as far as an edge is looked for, beyond the largest radius
STEP_MM, DIRECTIONS, HEIGHTS = 0.5, 24, 5
MOST_UNEVEN = (
    0.1  # SD of the edge's distance, relative to its mean: up to 0.06 around real inserts, 0.12 on in patients
)


@dataclass(frozen=True)
class RoundEdge:
    """A circle around a place: what blurs makes it smaller than it is.

    Args:
        inside_hu: mean around the middle.
    """

    radius_mm: float
    inside_hu: float


def round_edge(
    ct: Volume, centre_ras: np.ndarray, up: np.ndarray, length_mm: float, most_mm: float
) -> RoundEdge | None:
    """The edge all around; None where there is none, or it is no circle, or a larger one than `most_mm`.

    Args:
        ct: HU without noise that would pass for an edge.
        up: (3,) unit vector along which the HU are averaged.
        length_mm: over so much, around the middle.
    """
    distance = np.arange(0, most_mm + BEYOND_MM, STEP_MM)
    profiles = _profiles(ct, centre_ras, up, length_mm, distance)
    inside = float(profiles[distance < INSIDE_MM].mean())
    differs = np.abs(profiles - inside) > EDGE_HU
    edge = distance[differs.argmax(axis=0)]
    radius = float(edge.mean())
    is_circle = differs.any(axis=0).all() and edge.std() <= MOST_UNEVEN * radius
    return RoundEdge(radius, inside) if is_circle and radius <= most_mm else None


def across(up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors perpendicular to an axis and to each other."""
    first = np.cross(np.eye(3)[np.abs(up).argmin()], up)
    first /= np.linalg.norm(first)
    return first, np.cross(up, first)


def _profiles(ct: Volume, centre_ras: np.ndarray, up: np.ndarray, length_mm: float, distance: np.ndarray) -> np.ndarray:
    """(distances, directions) HU."""
    first, second = across(up)
    angle = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    outwards = np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second
    heights = np.linspace(-0.5, 0.5, HEIGHTS) * length_mm
    points = centre_ras + distance[:, None, None, None] * outwards[:, None] + heights[:, None] * up
    index = np.moveaxis(ct.grid.index_of(points), -1, 0)
    profiles: np.ndarray = ndimage.map_coordinates(ct.array, index, order=1, mode="nearest").mean(axis=2)
    return profiles
