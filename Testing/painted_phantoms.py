"""Scans of rods in a block, painted on any grid: what phantoms look like whose inserts lie beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.calibration.phantoms import Phantom
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume

AIR_HU = -1000.0


@dataclass(frozen=True)
class Rod:
    """A cylinder along the head, and what it shows: middle in RAS mm, radius and half length in mm."""

    middle: tuple[float, float, float]
    radius: float
    half_length: float
    hu: float


def around_origin(grid: Grid, extent_mm: float) -> Grid:
    """A grid of these axes and voxels over a cube of this edge around the origin."""
    size = np.ceil(extent_mm / grid.spacing).astype(int)
    affine = grid.affine.copy()
    affine[:3, 3] = -affine[:3, :3] @ ((size - 1) / 2)
    return Grid(tuple(size.tolist()), affine)


def painted(
    grid: Grid,
    rods: Sequence[Rod],
    body_hu: float,
    *,
    noise_hu: float = 10.0,
    body_mm: float = 60.0,
    kvp: float = 120.0,
) -> CT:
    """Rods in a round block in air; edges are as soft as a scanner's.

    Args:
        body_mm: the block's radius, and half its length.
    """
    x, y, z = np.moveaxis(grid.ras_of(np.stack(np.indices(grid.size), axis=-1)), -1, 0)
    hu = AIR_HU + _inside(np.maximum(np.hypot(x, y), np.abs(z)) - body_mm) * (body_hu - AIR_HU)
    for rod in rods:
        right, front, up = rod.middle
        within = _inside(np.maximum(np.hypot(x - right, y - front) - rod.radius, np.abs(z - up) - rod.half_length))
        hu += within * (rod.hu - hu)
    hu += np.random.default_rng(7).normal(0, noise_hu, grid.size)
    return CT(Volume(np.rint(hu).astype(np.int16), grid), Acquisition("rods", "virtual", kvp=kvp))


def rods_of(
    phantom: Phantom, line: Calibration, middles: Sequence[tuple[float, float]], half_length: float
) -> list[Rod]:
    """A phantom's rods as a scanner of this line for HA shows them, at these places across."""
    radius = phantom.radius_mm[0] + 1.0
    return [Rod((*middle, 0.0), radius, half_length, hu) for middle, hu in zip(middles, phantom.hu(line), strict=True)]


def _inside(distance: np.ndarray) -> np.ndarray:
    """Share inside at a signed distance, mm: from 1 to 0 over 2 mm."""
    return np.clip(0.5 - distance / 2, 0, 1)
