"""Slices that belong together, sorted by position along their normal, and how regular they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from OpportunisticBMDLib.reading.dicom_header import SliceHeader

# Positions are written with two or three decimals, and some scanners round to 0.1 mm.
EVEN_TOLERANCE_MM = 0.1
SAME_POSITION_MM = 0.01
# A gap this many times the usual one is a missing slice rather than an uneven step; one this small a slice that
# belongs elsewhere.
GAP_RATIO = 1.6
CROWD_RATIO = 0.5
LARGEST_UNEVEN_STEP_MM = 6.0
DRIFT_TOLERANCE_MM = 0.2


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Parallel slices of one size, spacing and kernel; `slices` grow along the normal.

    Args:
        slices: at least one.
        label: what tells this stack from others of its series, e.g. "acquisition 1, one of 3", or "".
    """

    slices: tuple[SliceHeader, ...]
    label: str = ""

    @classmethod
    def sorted_by_position(cls, slices: Iterable[SliceHeader], label: str = "") -> SliceStack:
        slices = list(slices)
        normal = slices[0].normal
        return cls(tuple(sorted(slices, key=lambda s: (float(s.position @ normal), str(s.path)))), label)

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
    def is_jumbled(self) -> bool:
        """Whether more than a quarter of the steps are far from the usual one."""
        gaps = np.diff(self.heights)
        gaps = gaps[gaps > SAME_POSITION_MM]
        return bool(np.mean((gaps > GAP_RATIO * self.step) | (gaps < CROWD_RATIO * self.step)) > 0.25)

    @property
    def is_regular(self) -> bool:
        """Whether all slices are where an ordinary scan has them."""
        return len(self.slices) > 2 and not self.has_doubles and self.is_even
