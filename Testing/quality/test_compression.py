"""A body that has lost height is graded as by Genant, says what that means, and is left out where it is a fracture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from example_results import acquisition, grid_of, synthetic_case
from OpportunisticBMDLib import quality
from OpportunisticBMDLib.core.heights import BodyHeights
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality import SeenScan, measurability
from OpportunisticBMDLib.quality.compression import GENANT, compression

BACK = {"T12": 24.7, "L1": 26.0, "L2": 26.8}


def heights(vertebra: str = "", front: float = 1.0, middle: float = 1.0, back: float = 1.0) -> dict[str, BodyHeights]:
    """Whole bodies, of which one keeps but a share of what it should have at each place."""
    whole = {name: (0.97 * height, 0.92 * height, height) for name, height in BACK.items()}
    if vertebra:
        whole[vertebra] = tuple(h * s for h, s in zip(whole[vertebra], (front, middle, back)))  # type: ignore[assignment]
    return {name: BodyHeights(*found) for name, found in whole.items()}


def left_out(heights: Mapping[str, BodyHeights]) -> list[Reason]:
    ct, segmentation = synthetic_case(grid_of("straight"))
    return measurability(ct.volume, segmentation, heights)


def noted(heights: Mapping[str, BodyHeights]) -> list[Reason]:
    ct, segmentation = synthetic_case(grid_of("straight"))
    return quality.cautions(SeenScan(ct.volume, segmentation, acquisition(), heights=heights))


@pytest.mark.parametrize("name", VERTEBRAE)
def test_whole_bodies_have_lost_nothing(name):
    found = compression(name, heights())
    assert found.loss == pytest.approx(0, abs=0.02) and found.grade == 0
    assert left_out(heights()) == noted(heights()) == []


@pytest.mark.parametrize(
    ("loss", "grade"), [(0.19, 0), (0.21, 1), (0.24, 1), (0.26, 2), (0.39, 2), (0.41, 3), (0.6, 3)]
)
@pytest.mark.parametrize("place", ["front", "middle", "back"])
def test_grades_are_those_of_genant(place, loss, grade):
    """A zone shows 0.8 of what its edge or its hollow lost; what sank as a whole is seen in full."""
    share = 1 - (loss if place == "back" else 0.8 * loss)
    shares = dict.fromkeys(("front", "middle", "back"), share) if place == "back" else {place: share}
    found = compression("L1", heights("L1", **shares))
    assert (found.place, found.grade) == (place, grade) and found.loss == pytest.approx(loss, abs=0.01)


def test_what_was_lost_in_front_adds_to_what_was_lost_as_a_whole():
    found = compression("L1", heights("L1", front=0.85 * 0.84, middle=0.85, back=0.85))
    assert found.loss == pytest.approx(1 - 0.85 * 0.8, abs=0.01)


def test_a_body_beside_one_that_sank_has_lost_nothing():
    found = heights("L1", front=0.6, middle=0.6, back=0.6)
    assert compression("L1", found).grade == 3
    assert compression("T12", found).grade == compression("L2", found).grade == 0


def test_a_body_alone_is_judged_by_its_own_back():
    alone = {"L1": heights("L1", front=0.7)["L1"]}
    assert compression("L1", alone).grade == 2
    assert compression("L1", {"L1": heights("L1", front=0.6, middle=0.6, back=0.6)["L1"]}).grade == 0


@pytest.mark.parametrize("front", [0.0, 0.1, 2.0, 10.0])
def test_no_body_has_lost_more_than_all_or_less_than_nothing(front):
    found = compression("L1", {"L1": BodyHeights(front, 20.0, 20.0), "L2": BodyHeights(20.0, 20.0, 15.0)})
    assert 0 <= found.loss <= 1


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"front": 0.76}, "its front has lost about 30% of its height (grade 2 of Genant)"),
        ({"middle": 0.6}, "its middle has lost about 50% of its height (grade 3 of Genant)"),
        ({"front": 0.7, "middle": 0.7, "back": 0.7}, "it has lost about 30% of its height (grade 2 of Genant)"),
    ],
)
def test_a_fracture_is_left_out_and_says_what_it_means_whatever_the_density(shares, words):
    (reason,) = left_out(heights("T12", **shares))
    assert (reason.code, reason.severity, reason.vertebra) == ("compressed", "warning", "T12")
    assert reason.message.startswith(f"T12 looks compressed: {words}, so its density is not used.")
    assert "A fracture after little force means osteoporosis whatever the density" in reason.message
    assert reason.message.endswith("look at the sagittal slices and its mask.")
    assert reason.figure.value > reason.figure.limit == 100 * GENANT[1]
    assert noted(heights("T12", **shares)) == []


@pytest.mark.parametrize(("loss", "severity"), [(0.206, "info"), (0.22, "warning")])
def test_grade_1_leaves_nothing_out_and_is_a_warning_a_little_below_grade_2(loss, severity):
    found = heights("L2", front=1 - 0.8 * loss)
    assert left_out(found) == []
    (reason,) = noted(found)
    assert (reason.code, reason.severity, reason.vertebra) == ("compressed", severity, "L2")
    lost = f"its front has lost about {loss:.0%} of its height (grade 1 of Genant)"
    assert f"L2 may be compressed: {lost}, as some bodies have that never broke" in reason.message


def test_a_crushed_body_is_called_so_and_not_too_small_as_well():
    ct, segmentation = synthetic_case(grid_of("straight"))
    mask = segmentation.labels.array == LABELS["L1"]
    few = np.zeros_like(mask)
    index = np.argwhere(mask)
    few[tuple(index[: round(0.4 * len(index))].T)] = True
    labels = Volume(np.where(mask & ~few, 0, segmentation.labels.array), segmentation.labels.grid)
    crushed = heights("L1", front=0.4, middle=0.4, back=0.4)
    reasons = measurability(ct.volume, replace(segmentation, labels=labels), crushed)
    assert [(reason.code, reason.vertebra) for reason in reasons] == [("compressed", "L1")]
