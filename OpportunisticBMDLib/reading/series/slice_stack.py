"""Slices that belong together, sorted by position along their normal, and how regular they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from OpportunisticBMDLib.reading.series.dicom_header import SliceHeader

# Positions are written with two or three decimals, and some scanners round to 0.1 mm.
EVEN_TOLERANCE_MM = 0.1
SAME_POSITION_MM = 0.01
# A gap this many times the usual one is a missing slice rather than an uneven step; one this small a slice that
# belongs elsewhere.
GAP_RATIO = 1.6
CROWD_RATIO = 0.5
_CROWDED = 1.25  # usual steps from the slice before to the one after, where one lies in between by mistake
LARGEST_UNEVEN_STEP_MM = 6.0
DRIFT_TOLERANCE_MM = 0.2
# A slice this far beside the line through the others has a wrong position. Where many are, the scan was made so; but
# no gantry is tilted so much that slices move by more than twice their width.
_ASIDE_MM = 2.0
_FEW = 0.1
_LARGEST_DRIFT = 2.0


@dataclass(frozen=True, eq=False)
class LeftOut:
    """A file of the folder that belongs to the scan, or may, and is not part of the stack.

    Args:
        name: of the file, and of the frame in it, for a message.
        kind: for a count in the result, so in words that no file chose, e.g. "slice of another kernel".
        position: LPS mm of the first voxel; None where it is not known.
        what: more exactly what it is, for a message, e.g. "image in ED instead of HU".
    """

    name: str
    kind: str
    position: np.ndarray | None = None
    what: str | None = None


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Parallel slices of one size, spacing and kernel; `slices` grow along the normal.

    Args:
        slices: at least one.
        left_out: what a reader should know of that is not among them.
        label: what tells this stack from others of its series, e.g. "acquisition 1, one of 3", or "".
    """

    slices: tuple[SliceHeader, ...]
    label: str = ""
    left_out: tuple[LeftOut, ...] = ()

    @classmethod
    def sorted_by_position(cls, slices: Iterable[SliceHeader], label: str = "") -> SliceStack:
        slices = list(slices)
        normal = slices[0].normal
        return cls(tuple(sorted(slices, key=lambda s: (float(s.position @ normal), s.key))), label)

    def without(self, left_out: Iterable[LeftOut]) -> SliceStack:
        """The same slices, with a note of what else there was."""
        return replace(self, left_out=tuple(left_out))

    @property
    def first(self) -> SliceHeader:
        return self.slices[0]

    @cached_property
    def heights(self) -> np.ndarray:
        """(n,) distance of each slice from the first along the normal, mm."""
        return np.array([(s.position - self.first.position) @ self.first.normal for s in self.slices])

    @cached_property
    def drifts(self) -> np.ndarray:
        """(n, 2) shift of each slice against the first within the plane, along rows and along columns, mm."""
        return np.array([self.first.axes @ (s.position - self.first.position) for s in self.slices])

    @cached_property
    def step(self) -> float:
        """Usual distance between neighbouring, distinct slices in mm; 0 for a single slice."""
        gaps = np.diff(self.heights)
        gaps = gaps[gaps > SAME_POSITION_MM]
        return float(np.median(gaps)) if len(gaps) else 0.0

    @property
    def extent_mm(self) -> float:
        return float(self.heights[-1]) + self.step

    @property
    def has_doubles(self) -> bool:
        """Whether some slices share a place."""
        return bool((np.diff(self.heights) <= SAME_POSITION_MM).any())

    @property
    def without_doubles(self) -> SliceStack:
        """One slice a place, the first of those that share it."""
        kept = [0]
        for k, height in enumerate(self.heights):
            if height - self.heights[kept[-1]] > SAME_POSITION_MM:
                kept.append(k)
        return replace(self, slices=tuple(self.slices[k] for k in kept))

    @property
    def is_even(self) -> bool:
        """Whether steps are equal up to rounding."""
        count = len(self.slices)
        return count > 1 and bool(
            np.abs(self.heights - np.linspace(0, self.heights[-1], count)).max() <= EVEN_TOLERANCE_MM
        )

    @property
    def is_straight(self) -> bool:
        """Whether slices lie exactly above each other; false for a tilted gantry."""
        return bool(np.abs(self.drifts).max() <= DRIFT_TOLERANCE_MM)

    @property
    def shear_degrees(self) -> float:
        """How far the slices lie aslant above each other, as those of a tilted gantry do; 0 where they are straight."""
        aside = float(np.linalg.norm(self.drifts[-1]))
        return 0.0 if self.is_straight else float(np.degrees(np.arctan2(aside, self.heights[-1])))

    @property
    def gap(self) -> tuple[SliceHeader, SliceHeader, float] | None:
        """The two slices around the widest gap and its width in mm, where slices are missing in between."""
        gaps = np.diff(self.heights)
        if len(gaps) == 0:
            return None
        k = int(np.argmax(gaps))
        if gaps[k] <= self.step + 2 * EVEN_TOLERANCE_MM:
            return None
        missing = gaps[k] > GAP_RATIO * self.step or gaps[k] > LARGEST_UNEVEN_STEP_MM
        return (self.slices[k], self.slices[k + 1], float(gaps[k])) if missing else None

    @property
    def crowd(self) -> tuple[SliceHeader, SliceHeader, float] | None:
        """The two slices that are too close to each other to belong together, and their distance in mm."""
        gaps = np.diff(self.heights)
        distinct = gaps > SAME_POSITION_MM
        k = int(np.argmin(np.where(distinct, gaps, np.inf))) if distinct.any() else 0
        if not distinct.any() or gaps[k] >= min(CROWD_RATIO * self.step, self.step - 2 * EVEN_TOLERANCE_MM):
            return None
        return self.slices[k], self.slices[k + 1], float(gaps[k])

    @property
    def rescaled_otherwise(self) -> SliceHeader | None:
        """The first of few slices whose stored values mean other HU than those of all others: a damaged header."""
        rescalings = [(s.pixels.slope, s.pixels.intercept, s.pixels.is_signed) for s in self.slices]
        (_, most), *others = Counter(rescalings).most_common()
        few = {rescaling for rescaling, _ in others}
        if not 0 < len(rescalings) - most <= max(1, _FEW * most):
            return None
        return next(s for s, rescaling in zip(self.slices, rescalings) if rescaling in few)

    @property
    def aside(self) -> tuple[SliceHeader, float] | None:
        """The slice that lies farthest beside the line through the others, and by how many mm; None where none does."""
        if len(self.slices) < 3 or self.is_straight:
            return None
        steps = np.diff(self.heights)
        distinct = steps > SAME_POSITION_MM
        if not distinct.any():
            return None
        slope = np.median(np.diff(self.drifts, axis=0)[distinct] / steps[distinct, None], axis=0)
        rest = self.drifts - self.heights[:, None] * slope
        distances = np.linalg.norm(rest - np.median(rest, axis=0), axis=1)
        count = int((distances > _ASIDE_MM).sum())
        largest = _LARGEST_DRIFT * np.multiply(self.first.size, self.first.spacing)
        if 0 < count <= max(1, _FEW * len(distances)) or (np.ptp(self.drifts, axis=0) > largest).any():
            k = int(np.argmax(distances))
            return self.slices[k], float(distances[k])
        return None

    @property
    def astray(self) -> tuple[SliceHeader, ...]:
        """The slices that may belong into a gap: the one that is alone at an end, or those too close to two others."""
        gaps = np.diff(self.heights)
        if len(gaps) < 3:
            return ()
        if int(np.argmax(gaps)) in (0, len(gaps) - 1):
            return (self.slices[0 if np.argmax(gaps) == 0 else -1],)
        around = gaps[:-1] + gaps[1:]  # from the slice before to the one after
        closest = np.flatnonzero(around <= min(around.min() + SAME_POSITION_MM, _CROWDED * self.step))
        return tuple(self.slices[k + 1] for k in closest[:2])

    def left_out_between(self, below: SliceHeader, above: SliceHeader) -> list[LeftOut]:
        """What was left out and lies between two slices of the stack."""
        normal = self.first.normal
        low, high = (float(s.position @ normal) for s in (below, above))
        way = (above.position - below.position) / max(high - low, SAME_POSITION_MM)
        found = []
        for other in self.left_out:
            if other.position is None:
                continue
            height = float(other.position @ normal)
            beside = other.position - below.position - (height - low) * way
            if low < height < high and np.linalg.norm(beside) <= _ASIDE_MM:
                found.append(other)
        return found

    @property
    def is_jumbled(self) -> bool:
        """Whether more than a quarter of the steps are far from the usual one."""
        gaps = np.diff(self.heights)
        gaps = gaps[gaps > SAME_POSITION_MM]
        return bool(np.mean((gaps > GAP_RATIO * self.step) | (gaps < CROWD_RATIO * self.step)) > 0.25)

    @property
    def is_regular(self) -> bool:
        """Whether all slices are where an ordinary scan has them."""
        return len(self.slices) > 2 and not self.has_doubles and self.is_even
