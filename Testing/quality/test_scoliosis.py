"""The angle between the bodies that are tilted most to the sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from example_levels import sure
from OpportunisticBMDLib.core.levels import Levels
from seen_scans import seen, told


def curved(degrees: float, whole: bool = True) -> Levels:
    """The upper bodies tilted by half of it to one side, the lower ones to the other."""
    levels = sure()
    half = len(levels.vertebrae) // 2

    def tilted(number: int) -> tuple[float, float, float]:
        angle = np.radians(degrees / 2 * (1 if number < half else -1))
        right, front, up = levels.vertebrae[number].lower_ras_mm
        return right + 22 * float(np.sin(angle)), front, up + 22 * float(np.cos(angle))

    vertebrae = [replace(v, upper_ras_mm=tilted(n), whole=whole) for n, v in enumerate(levels.vertebrae)]
    return replace(levels, vertebrae=tuple(vertebrae))


def test_a_straight_spine_needs_no_word():
    assert told(seen(levels=curved(8.0)), "scoliosis") == []


@pytest.mark.parametrize(
    ("degrees", "severity", "limit"), [(20.0, "info", 10.0), (-20.0, "info", 10.0), (45.0, "warning", 30.0)]
)
def test_a_curve_is_told_with_its_angle(degrees, severity, limit):
    (reason,) = told(seen(levels=curved(degrees)), "scoliosis")
    assert reason.severity == severity
    assert reason.figure.value == pytest.approx(abs(degrees)) and reason.figure.limit == limit


def test_bodies_that_are_cut_tell_no_angle():
    assert told(seen(levels=curved(45.0, whole=False)), "scoliosis") == []
