"""The kinds of grid that scanners and other programs write, for tests of everything that moves voxels."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.core.grid import Grid

SIZE = (23, 19, 17)


def _affine(columns: list[list[float]], origin: tuple[float, float, float] = (-31.0, 42.5, -880.25)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = np.array(columns).T
    affine[:3, 3] = origin
    return affine


def rotated(affine: np.ndarray, *, degrees: tuple[float, float, float]) -> np.ndarray:
    """Turned about the right, anterior and superior axis, one after the other."""
    turned = affine.copy()
    for axis, angle in enumerate(np.radians(degrees)):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        rotation = np.eye(4)
        rotation[first, first] = rotation[second, second] = np.cos(angle)
        rotation[second, first] = np.sin(angle)
        rotation[first, second] = -np.sin(angle)
        turned = rotation @ turned
    return turned


_CANONICAL = _affine([[0.75, 0, 0], [0, 0.75, 0], [0, 0, 1.25]])
_LEFT_HANDED = _affine([[-0.7, 0, 0], [0, 0.7, 0], [0, 0, 2.5]])

GRIDS = {
    "canonical": Grid(SIZE, _CANONICAL),
    "as scanners write it": Grid(SIZE, _affine([[-0.7, 0, 0], [0, -0.7, 0], [0, 0, 1.25]])),
    "head first": Grid(SIZE, _affine([[-0.9, 0, 0], [0, -0.9, 0], [0, 0, -1.5]])),
    "left-handed": Grid(SIZE, _LEFT_HANDED),
    "permuted": Grid(SIZE, _affine([[0, 0, -1.1], [0.8, 0, 0], [0, -1.3, 0]])),
    "oblique": Grid(SIZE, rotated(_CANONICAL, degrees=(17, -11, 23))),
    "oblique and left-handed": Grid(SIZE, rotated(_LEFT_HANDED, degrees=(-21, 8, 14))),
    "thick slices": Grid(SIZE, _affine([[-0.45, 0, 0], [0, -0.45, 0], [0, 0, 5.0]])),
}

every_grid = pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
