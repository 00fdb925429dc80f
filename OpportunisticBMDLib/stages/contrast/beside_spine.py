"""The part of a CT that holds the organs beside the spine, on a small grid along the patient's axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.grid import Grid, triple
from OpportunisticBMDLib.core.volume import Volume

SPACING_MM = 3.0
ASIDE_MM = 129.0  # to each side of the bodies
BEHIND_MM, BEFORE_MM = 69.0, 72.0
ALONG_MM = 54.0  # above and below the bodies: further away their line says too little of where the spine runs
BODY_HEIGHT_MM = 33.0  # with its disc; tells where the spine leads to where one body alone is known


@dataclass(frozen=True, eq=False)
class BesideSpine:
    """HU around the spine.

    Args:
        volume: `SPACING_MM`, float32; `AIR_HU` outside the scan.
        right, front: (I, 1, K) and (1, J, K) mm beside and in front of the line through the bodies.
        up: (K,) mm above the centre of L1's body, as far as the bodies tell where that is.
    """

    volume: Volume
    right: np.ndarray
    front: np.ndarray
    up: np.ndarray

    def part(self, right_mm: tuple[float, float], front_mm: tuple[float, float]) -> BesideSpine:
        """Between these distances from the line, in any slice."""
        i, j = (
            np.flatnonzero(((distance > low) & (distance < high)).any(axis=(1 - axis, 2)))
            for axis, distance, (low, high) in ((0, self.right, right_mm), (1, self.front, front_mm))
        )
        across, ahead = slice(i[0], i[-1] + 1), slice(j[0], j[-1] + 1)
        volume = self.volume.part((across, ahead, slice(0, len(self.up))))
        return BesideSpine(volume, self.right[across], self.front[:, ahead], self.up)


def beside_spine(ct: Volume, bodies: Mapping[str, np.ndarray]) -> BesideSpine:
    """The surroundings of these bodies.

    Args:
        bodies: vertebra -> centre of its body (RAS, mm); at least one of T12, L1 and L2.
    """
    centres = np.array(sorted(bodies.values(), key=lambda centre: centre[2]))
    middle = centres.mean(axis=0)
    low = (middle[0] - ASIDE_MM, middle[1] - BEHIND_MM, centres[0, 2] - ALONG_MM)
    high = (middle[0] + ASIDE_MM, middle[1] + BEFORE_MM, centres[-1, 2] + ALONG_MM)
    size = np.round((np.array(high) - low) / SPACING_MM).astype(int)
    grid = Grid.axis_aligned(size, [SPACING_MM] * 3, (np.array(low) + high) / 2)
    volume = _coarse(ct, grid).resampled(grid)
    volume = Volume(np.ascontiguousarray(volume.array), grid)
    x, y, z = (grid.ras_of(np.eye(3)[n] * np.arange(size[n])[:, None])[:, n] for n in range(3))
    across, ahead = (_led_on(z, centres[:, 2], centres[:, n]) for n in range(2))
    return BesideSpine(
        volume,
        right=(x[:, None] - across)[:, None, :],
        front=(y[:, None] - ahead)[None, :, :],
        up=z - _height_of_l1(bodies),
    )


def _coarse(ct: Volume, grid: Grid) -> Volume:
    """The part of a CT under a grid, voxels averaged to at most that grid's size: a fraction of the work."""
    part = ct.part(ct.grid.part_under(grid, margin=2))
    by = np.clip((SPACING_MM / part.grid.spacing).astype(int), 1, np.array(part.grid.size))
    if (by == 1).all():
        return part
    affine = part.grid.affine.copy()
    affine[:3, 3] = part.grid.ras_of((by - 1) / 2)
    affine[:3, :3] *= by
    means = _binned(part.array, by.tolist())
    return Volume(means, Grid(triple(means.shape), affine))


def _binned(array: np.ndarray, by: Sequence[int]) -> np.ndarray:
    """(I, J, K) float32: means of so many voxels along each axis; what is left over at the ends does not count.

    Voxels that lie farthest apart in memory are added first: all others are then added up in one go.
    """
    total = array
    for axis in np.argsort([-abs(stride) for stride in array.strides], kind="stable"):
        lines, n = np.moveaxis(total, axis, 0), by[axis]
        stop = len(lines) // n * n
        added = lines[0:stop:n].astype(np.float32)
        for first in range(1, n):
            added += lines[first:stop:n]
        total = np.moveaxis(added, 0, axis)
    return total / np.float32(np.prod(by))


def _led_on(at: np.ndarray, heights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Linear between the bodies, and straight on beyond them."""
    if len(heights) == 1:
        return np.full(len(at), values[0])
    slopes = np.diff(values) / np.maximum(np.diff(heights), 1.0)
    below, above = np.minimum(at - heights[0], 0), np.maximum(at - heights[-1], 0)
    led: np.ndarray = np.interp(at, heights, values) + slopes[0] * below + slopes[-1] * above
    return led


def _height_of_l1(bodies: Mapping[str, np.ndarray]) -> float:
    above = {"T12": BODY_HEIGHT_MM, "L1": 0.0, "L2": -BODY_HEIGHT_MM}
    name = "L1" if "L1" in bodies else next(iter(bodies))
    return float(bodies[name][2] - above[name])
