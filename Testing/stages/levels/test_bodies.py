"""All bodies in view are found, from feet to head, whole or cut."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.stages.levels.bodies import bodies_along, profile_along
from OpportunisticBMDLib.stages.levels.curve import spine_curve
from OpportunisticBMDLib.stages.skeleton import Skeleton
from OpportunisticBMDTraining.virtual.spine import place_vertebrae
from true_skeletons import scanned, true_skeleton


@pytest.mark.parametrize("seed", [3, 7])
def test_every_body_in_view_is_found_at_its_place(seed: int) -> None:
    parameters = scanned(seed)
    skeleton = true_skeleton(parameters)
    curve = spine_curve(skeleton)
    spans = bodies_along(profile_along(skeleton, curve))
    low, high = skeleton.scan_mm
    whole = [v for v in place_vertebrae(parameters) if low + 15 < v.centre[2] < high - 15]
    middles = [curve.points[int(span.middle)] for span in spans if span.whole]
    assert len(middles) == len(whole)
    for vertebra, middle in zip(whole[::-1], middles, strict=True):
        assert np.linalg.norm(vertebra.centre - middle) < 5.0


def test_a_body_at_the_end_of_the_scan_is_not_whole() -> None:
    skeleton = true_skeleton(scanned(3, above="T11", below="L2", room_mm=0.0))
    spans = bodies_along(profile_along(skeleton, spine_curve(skeleton)))
    assert [span.whole for span in spans] == [False, True, True, False]


def test_a_disc_that_was_missed_is_put_between_its_bodies() -> None:
    skeleton = true_skeleton(scanned(3))
    curve = spine_curve(skeleton)
    spans = bodies_along(profile_along(skeleton, curve))
    profile = profile_along(skeleton, curve)
    gap = slice(int(spans[2].upper) - 3, int(spans[3].lower) + 3)
    profile.body[gap], profile.disc[gap] = 1.0, 0.0
    again = bodies_along(profile)
    assert len(again) == len(spans)
    assert again[2].upper == pytest.approx(spans[2].upper, abs=10)


def test_there_is_no_curve_without_a_spine() -> None:
    skeleton = true_skeleton(scanned(3))
    empty = np.zeros_like(skeleton.probabilities)
    empty[Bone.NONE] = 1.0
    assert spine_curve(Skeleton(empty, skeleton.grid, skeleton.shown, skeleton.scan_mm)) is None
