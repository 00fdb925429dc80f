"""The middle of the spine as a smooth curve from feet to head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.stages.parts import largest_part
from OpportunisticBMDLib.stages.skeleton import Skeleton

STEP_MM = 1.0
SMOOTH_MM = 10.0
LEAST_SURE = 0.4
LEAST_SPINE_MM = 25.0  # what is shorter is no spine
LEAST_AREA_MM2 = 200.0  # of body and disc in a slice: less than half a thoracic body


@dataclass(frozen=True, eq=False)
class Curve:
    """Points 1 mm apart.

    Args:
        points: (N, 3) RAS mm, from feet to head.
        tangents: (N, 3) unit vectors towards the head.
    """

    points: np.ndarray
    tangents: np.ndarray

    def at(self, along_mm: float) -> np.ndarray:
        """(3,) RAS mm of a place along the curve; its ends where that lies beyond them."""
        point: np.ndarray = self.points[min(max(int(along_mm), 0), len(self.points) - 1)]
        return point

    def sides(self) -> np.ndarray:
        """(N, 3) unit vectors to the patient's right, square to the curve."""
        right = np.array([1.0, 0.0, 0.0]) - self.tangents[:, :1] * self.tangents
        right /= np.linalg.norm(right, axis=1, keepdims=True)
        return right


def spine_curve(skeleton: Skeleton) -> Curve | None:
    """Through the middles of bodies and discs of all slices; None where there is no spine."""
    column = skeleton.probabilities[Bone.BODY] + skeleton.probabilities[Bone.DISC]
    column = np.where(largest_part(column > LEAST_SURE), column, 0)
    spacing = skeleton.grid.spacing
    area = column.sum(axis=(0, 1)) * spacing[0] * spacing[1]
    shown = np.flatnonzero(area > LEAST_AREA_MM2)
    if len(shown) * spacing[2] < LEAST_SPINE_MM:
        return None
    i, j = np.ogrid[: column.shape[0], : column.shape[1]]
    mass = column.sum(axis=(0, 1))[shown]
    centres = np.stack(
        ((column * i[..., None]).sum(axis=(0, 1))[shown] / mass, (column * j[..., None]).sum(axis=(0, 1))[shown] / mass)
    )
    return _resampled(np.stack((*centres, shown), axis=1), skeleton.grid)


def _resampled(index: np.ndarray, grid: Grid) -> Curve:
    """Smoothed, and at equal steps of its own length."""
    heights = np.arange(index[0, 2], index[-1, 2] + 1)
    every = np.stack([np.interp(heights, index[:, 2], index[:, axis]) for axis in range(3)], axis=1)
    sigma = SMOOTH_MM / grid.spacing[2]
    smooth = np.stack([_smooth(every[:, axis], sigma) for axis in range(2)] + [heights], axis=1)
    points = grid.ras_of(smooth)
    along = np.concatenate(([0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
    at = np.arange(0, along[-1], STEP_MM)
    points = np.stack([np.interp(at, along, points[:, axis]) for axis in range(3)], axis=1)
    tangents = np.gradient(points, axis=0)
    return Curve(points, tangents / np.linalg.norm(tangents, axis=1, keepdims=True))


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Without pulling the ends inwards: mirrored through their end points."""
    n = min(len(values) - 1, int(4 * sigma))
    padded = np.concatenate((2 * values[0] - values[n:0:-1], values, 2 * values[-1] - values[-2 : -n - 2 : -1]))
    return ndimage.gaussian_filter1d(padded, sigma)[n : n + len(values)]
