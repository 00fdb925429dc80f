"""The vertebral bodies along the spine, without names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.peaks import peaks
from OpportunisticBMDLib.stages.levels.curve import STEP_MM, Curve
from OpportunisticBMDLib.stages.skeleton import Skeleton

DISK_MM = 11.0  # radius around the curve: inside the narrowest body
LEAST_PITCH_MM = 14.0  # of two discs around a crushed body
PITCH_MM = 33.0  # of a vertebra and its disc, where no neighbour tells
LONGEST = 1.55  # times the pitch of its neighbours: two bodies whose disc was missed
LEAST_BODY = 0.5  # greatest probability of body between two discs
LEAST_HEIGHT_MM = 7.0  # of a piece of a body at an end of the scan
NEAR_END_MM = 3.0


@dataclass(frozen=True, eq=False)
class Span:
    """A body along the curve.

    Args:
        lower, upper: position of its endplates, mm along the curve.
        whole: whether it ends within the scan on both sides.
    """

    lower: float
    upper: float
    whole: bool

    @property
    def middle(self) -> float:
        return (self.lower + self.upper) / 2

    @property
    def height(self) -> float:
        return self.upper - self.lower


@dataclass(frozen=True, eq=False)
class Profile:
    """What lies around the curve; (N,) each, by mm from the feet.

    Args:
        body, disc: mean probabilities.
        in_scan: whether the scan, and what was looked at of it, reaches there.
    """

    body: np.ndarray
    disc: np.ndarray
    in_scan: np.ndarray


def profile_along(skeleton: Skeleton, curve: Curve) -> Profile:
    """Means over disks square to the curve."""
    right = curve.sides()
    front = np.cross(curve.tangents, right)
    a, b = np.meshgrid(np.arange(-DISK_MM, DISK_MM + 1, 3.6), np.arange(-DISK_MM, DISK_MM + 1, 3.6))
    disk = np.stack((a, b), axis=-1)[np.hypot(a, b) <= DISK_MM]
    points = curve.points[:, None] + disk[:, :1] * right[:, None] + disk[:, 1:] * front[:, None]
    index = np.moveaxis(skeleton.grid.index_of(points), -1, 0)
    body, disc = (
        ndimage.map_coordinates(skeleton.probabilities[bone], index, order=1, mode="constant").mean(axis=1)
        for bone in (Bone.BODY, Bone.DISC)
    )
    low, high = np.clip(skeleton.scan_mm, *skeleton.grid.bounds_ras[2])
    heights = curve.points[:, 2]
    return Profile(body, disc, (heights > low + NEAR_END_MM) & (heights < high - NEAR_END_MM))


def bodies_along(profile: Profile) -> list[Span]:
    """All bodies from feet to head: what lies between two discs, and at the ends of the curve."""
    gap = ndimage.gaussian_filter1d(profile.disc - profile.body, 2.0 / STEP_MM)
    discs = _discs(gap)
    edges = [-1.0, *discs, float(len(gap))]
    spans = []
    for low, high in zip(edges, edges[1:]):
        span = _span(profile, low, high)
        if span is not None:
            spans.append(span)
    return spans


def _discs(gap: np.ndarray) -> list[float]:
    """Where body gives way to disc, mm along the curve."""
    discs = [float(p) * STEP_MM for p in peaks(gap, 0.25, LEAST_PITCH_MM / STEP_MM)]
    if len(discs) < 2:
        return discs
    pitch = float(np.clip(np.median(np.diff(discs)), 24, 42))
    found = [discs[0]]
    for disc in discs[1:]:
        while disc - found[-1] > LONGEST * pitch:
            low, high = int(found[-1] + 0.6 * pitch), int(min(found[-1] + 1.4 * pitch, disc - 0.6 * pitch))
            if high <= low:
                break
            far = (np.arange(low, high) - found[-1] - pitch) / pitch
            found.append(float(low + (gap[low:high] - far**2).argmax()))
        found.append(disc)
    return found


def _span(profile: Profile, low: float, high: float) -> Span | None:
    """The body between two discs; the parts of the discs are left out."""
    start, stop = int(max(low, 0)), int(min(high, len(profile.body)))
    body = profile.body[start:stop]
    if body.max(initial=0) < LEAST_BODY:
        return None
    inside = np.flatnonzero(body > 0.5 * body.max())
    lower, upper = start + int(inside[0]), start + int(inside[-1]) + 1
    if upper - lower < LEAST_HEIGHT_MM:
        return None
    return Span(float(lower), float(upper), bool(profile.in_scan[lower:upper].all()))
