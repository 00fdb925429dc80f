"""Aorta and vena cava: two even tubes in front of the bodies, each followed from slice to slice.

Which is which the grid does not say, since its left and right may be wrong: the aorta is the brighter one in every
phase but the last, where both are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.stages.contrast.beside_spine import SPACING_MM, BesideSpine

NEAR, FAR = (11.0, 29.0), (24.0, 34.0)  # mm beside and before the middle of a body: the aorta; the other side's cava
NEAR_IN_CHEST, CHEST_MM = (23.0, 13.0), (25.0, 75.0)  # where the aorta lies beside the body; above L1 from .. to
SPREAD_MM = (10.0, 8.0)  # SDs of both
BODY_MM = (23.0, 18.0)  # half width and depth of a body: no vessel's middle lies in it
LEAST_AHEAD_MM = 3.0
FARTHEST_MM, FARTHEST_AHEAD_MM = 48.0, 66.0  # beside and before the spine
ROOM_MM = 9.0  # around what is looked at
CORE_MM = 6.0  # radius of what has to be even
UNEVEN_HU, UNEVEN = 18.0, 0.15  # SD, and what is added to it of the mean, that costs as much as a place one SD off
BRIGHT_HU, MOST_REWARD = 120.0, 1.2  # over other tissue: what is brighter is likelier a vessel
VESSEL_HU = (5.0, 700.0)
TISSUE_HU = 60.0
APART_MM = 15.0  # of the two vessels' middles
LEAST_SLICES = 5
EVENEST = 0.6  # share of a vessel's slices that count: chalk, stents and forks lie in the others
FORBIDDEN = 25.0  # cost of a slice in which a vessel is nowhere, as beyond the scan


@dataclass(frozen=True, eq=False)
class Vessel:
    """A tube.

    Args:
        hu: (N,) mean of its core in its evenest slices.
        up: (N,) their heights, mm above L1.
        points: (K, 2) voxel index of its middle in every slice.
        right: mm beside the spine, its median; below 0 to the left.
    """

    hu: np.ndarray
    up: np.ndarray
    points: np.ndarray
    right: float

    def below(self, up_mm: float) -> float | None:
        """Median HU below a height; None where too little of it lies there."""
        there = self.hu[self.up < up_mm]
        return float(np.median(there)) if len(there) >= LEAST_SLICES else None

    @property
    def blood_hu(self) -> float:
        """HU of all that is in view: somewhat above the median, since a part may run beside a tube that winds away."""
        return float(np.percentile(self.hu, 60))


def vessels(around: BesideSpine) -> list[Vessel]:
    """At most two, the brighter first."""
    around = around.part((-FARTHEST_MM - ROOM_MM, FARTHEST_MM + ROOM_MM), (LEAST_AHEAD_MM - ROOM_MM, FARTHEST_AHEAD_MM))
    hu = around.volume.array
    mean, uneven = _core(hu)
    inside = ndimage.minimum_filter(hu, (3, 3, 1)) > -400  # lung, gut's gas and the edge of the scan are near
    fits = (mean > VESSEL_HU[0]) & (mean < VESSEL_HU[1]) & inside
    fits &= (around.front > LEAST_AHEAD_MM) & (np.abs(around.right) < FARTHEST_MM)
    fits &= np.hypot(around.right / BODY_MM[0], around.front / BODY_MM[1]) > 1

    spread = UNEVEN_HU + UNEVEN * np.maximum(mean, 0)
    shape = uneven / spread - np.clip((mean - TISSUE_HU) / BRIGHT_HU, 0, MOST_REWARD)

    in_chest = np.clip((around.up - CHEST_MM[0]) / np.ptp(CHEST_MM), 0, 1)
    near = tuple(low + in_chest * (high - low) for low, high in zip(NEAR, NEAR_IN_CHEST))

    def cost(side: int, place: Sequence[np.ndarray | float]) -> np.ndarray:
        aside, ahead = (around.right - side * place[0]) / SPREAD_MM[0], (around.front - place[1]) / SPREAD_MM[1]
        costs: np.ndarray = np.where(fits, shape + (aside**2 + ahead**2) / 2, FORBIDDEN)
        return costs

    side, (first, _) = min(((side, _path(cost(side, near))) for side in (-1, 1)), key=lambda found: found[1][1])
    other = cost(-side, FAR)
    second, _ = _path(np.where(_near(first, other.shape), FORBIDDEN, other))
    found = [_vessel(around, path, mean, uneven, fits) for path in (first, second)]
    return sorted((vessel for vessel in found if vessel), key=lambda vessel: -vessel.blood_hu)


def _core(hu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and SD (HU) of the disc around each voxel."""
    reach = int(CORE_MM / SPACING_MM)
    x, y = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = (x**2 + y**2 <= reach**2).astype(np.float32)[:, :, None]
    kernel = disc / disc.sum()
    mean = ndimage.convolve(hu, kernel)
    square = ndimage.convolve(hu * hu, kernel)
    return mean, np.sqrt(np.maximum(square - mean**2, 0))


def _path(cost: np.ndarray) -> tuple[np.ndarray, float]:
    """(K, 2) the cheapest way from foot to head, a voxel aside at most from slice to slice; and what it costs."""
    total = np.empty_like(cost)
    total[:, :, 0] = cost[:, :, 0]
    for k in range(1, cost.shape[2]):
        total[:, :, k] = cost[:, :, k] + ndimage.minimum_filter(total[:, :, k - 1], 3, mode="nearest")
    points = np.empty((cost.shape[2], 2), int)
    points[-1] = np.unravel_index(np.argmin(total[:, :, -1]), cost.shape[:2])
    for k in range(cost.shape[2] - 1, 0, -1):
        low = np.maximum(points[k] - 1, 0)
        near = total[low[0] : points[k, 0] + 2, low[1] : points[k, 1] + 2, k - 1]
        points[k - 1] = low + np.unravel_index(np.argmin(near), near.shape)
    return points, float(total[:, :, -1].min())


def _near(path: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(I, J, K) whether a voxel is too near to a path for another vessel's middle."""
    i, j = np.arange(shape[0])[:, None, None], np.arange(shape[1])[None, :, None]
    return np.hypot(i - path[:, 0], j - path[:, 1]) * SPACING_MM < APART_MM


def _right_of(around: BesideSpine, path: np.ndarray) -> np.ndarray:
    return around.right[path[:, 0], 0, np.arange(len(path))]


def _vessel(
    around: BesideSpine, path: np.ndarray, mean: np.ndarray, uneven: np.ndarray, fits: np.ndarray
) -> Vessel | None:
    along = (path[:, 0], path[:, 1], np.arange(len(path)))
    seen = np.flatnonzero(fits[along])
    if len(seen) < LEAST_SLICES:
        return None
    order = seen[np.argsort(uneven[along][seen])][: max(LEAST_SLICES, int(EVENEST * len(seen)))]
    order = np.sort(order)
    return Vessel(mean[along][order], around.up[order], path, float(np.median(_right_of(around, path))))
