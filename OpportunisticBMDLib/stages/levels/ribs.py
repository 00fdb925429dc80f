"""The ribs that join each vertebra, as far as they are seen near the spine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.stages.levels.curve import Curve
from OpportunisticBMDLib.stages.skeleton import Skeleton

LEAST_SURE = 0.2  # probability of a voxel of a piece,
LEAST_SUREST = 0.5  # and of its surest one: ribs fade towards their ends
LEAST_MM3 = 150.0  # of a piece of a rib
MIDDLE_MM = 4.0  # beside the middle of the spine: the sides begin
HEAD_MM = 24.0  # beside the middle of the spine: where ribs join
FARTHEST_START_MM = 40.0  # beside it: what begins farther out is a rib from above
BIN_MM = 4.0
ASIDE = 0.35  # share of its length by which a rib gets away from the spine: joints, spurs and ureters do not
SHORT_MM = 20.0  # of what is too short to tell
SLOPE_MM = 25.0  # of its course that tells where it comes from
STEEPEST = 1.2
WINDOW_MM = 4.0  # this near the rim of what was looked at, a rib goes on


@dataclass(frozen=True, eq=False)
class Piece:
    """A connected piece of rib on one side.

    Args:
        along: (N,) mm along the spine of its points, from the spine outwards.
        beside: (N,) mm beside the spine of the same.
        points: (N, 3) RAS mm.
        calibre_mm: mean diameter.
        sure: mean probability.
        goes_on: whether it leaves what was looked at.
    """

    along: np.ndarray
    beside: np.ndarray
    points: np.ndarray
    calibre_mm: float
    sure: float
    goes_on: bool

    @property
    def length_mm(self) -> float:
        """Along its course, from the place where it joins the spine."""
        steps = np.linalg.norm(np.diff(self.points, axis=0), axis=1).sum()
        return float(steps + max(self.beside[0] - HEAD_MM, 0.0))

    @property
    def descent_degrees(self) -> float:
        """How steeply it falls to the side."""
        run, fall = np.ptp(self.beside), self.along[0] - self.along[-1]
        return float(np.degrees(np.arctan2(fall, max(run, 1.0))))

    @property
    def runs_aside(self) -> bool:
        """Whether it gets away from the spine as ribs do."""
        return self.length_mm < SHORT_MM or bool(np.ptp(self.beside) > ASIDE * self.length_mm)

    @property
    def joins_at(self) -> float:
        """mm along the spine where it joins: what is seen first, led on to the spine along its first slope."""
        gap = max(self.beside[0] - HEAD_MM, 0.0)
        first = self.beside < self.beside[0] + SLOPE_MM
        run = float(np.ptp(self.beside[first]))
        slope = (self.along[0] - self.along[first][-1]) / run if run > BIN_MM else 0.0
        return float(self.along[0] + gap * np.clip(slope, 0.0, STEEPEST))


def rib_pieces(skeleton: Skeleton, curve: Curve, side: int) -> list[Piece]:
    """All pieces that begin near the spine; side 1 = right, -1 = left."""
    grid = skeleton.grid
    ribs = skeleton.probabilities[Bone.RIB]
    index = np.argwhere(ribs > LEAST_SURE)
    if not len(index):
        return []
    along, beside = _beside_the_spine(grid.ras_of(index), curve, side)
    on_side = beside > MIDDLE_MM
    index, along, beside = index[on_side], along[on_side], beside[on_side]
    points, sure = grid.ras_of(index), ribs[tuple(index.T)]
    mask = np.zeros(ribs.shape, bool)
    mask[tuple(index.T)] = True
    parts, _ = ndimage.label(ndimage.binary_dilation(mask), np.ones((3, 3, 3)))  # across a voxel's gap
    number = parts[tuple(index.T)]
    pieces = [
        _piece(points[own], along[own], beside[own], sure[own], skeleton)
        for own in (number == part for part in np.unique(number))
        if own.sum() * grid.voxel_volume >= LEAST_MM3
        and beside[own].min() < FARTHEST_START_MM
        and sure[own].max() > LEAST_SUREST
    ]
    return [piece for piece in pieces if piece.runs_aside]


def _beside_the_spine(points: np.ndarray, curve: Curve, side: int) -> tuple[np.ndarray, np.ndarray]:
    """(N,) mm along the curve and to one side of it, of points in RAS mm."""
    nearest = np.clip(np.searchsorted(curve.points[:, 2], points[:, 2]), 0, len(curve.points) - 1)
    for _ in range(3):  # heights along a leaning spine depend on how far in front a point lies
        offset = points - curve.points[nearest]
        ahead = (offset * curve.tangents[nearest]).sum(axis=1)
        nearest = np.clip(nearest + np.round(ahead).astype(int), 0, len(curve.points) - 1)
    offset = points - curve.points[nearest]
    beyond = (offset * curve.tangents[nearest]).sum(axis=1)
    return nearest + beyond, side * offset[:, 0]


def _piece(points: np.ndarray, along: np.ndarray, beside: np.ndarray, sure: np.ndarray, skeleton: Skeleton) -> Piece:
    """Middles of a piece in bins of its distance from its inner end."""
    inner = np.argsort(beside)[: max(len(beside) // 20, 4)]
    start = points[inner].mean(axis=0)
    far = np.linalg.norm(points - start, axis=1)
    order = (far / BIN_MM).astype(int)
    middles = [order == n for n in range(order.max() + 1) if (order == n).any()]
    course = np.array([points[m].mean(axis=0) for m in middles])
    length = max(float(np.linalg.norm(np.diff(course, axis=0), axis=1).sum()), BIN_MM)
    bounds = skeleton.grid.bounds_ras
    low = skeleton.scan_mm[0]
    ends = points[far > far.max() - 6.0]
    rim = np.minimum(np.abs(ends[:, 0, None] - bounds[0]).min(axis=1), np.abs(ends[:, 1, None] - bounds[1]).min(axis=1))
    goes_on = bool((rim < WINDOW_MM).any() or (ends[:, 2] < low + WINDOW_MM).any())
    return Piece(
        along=np.array([along[m].mean() for m in middles]),
        beside=np.array([beside[m].mean() for m in middles]),
        points=course,
        calibre_mm=float(2 * np.sqrt(len(points) * skeleton.grid.voxel_volume / (np.pi * length))),
        sure=float(sure.mean()),
        goes_on=goes_on,
    )
