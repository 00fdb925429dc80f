"""Whether regions lie in vertebral bodies: one look for all of them, and none anew for what was seen already."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.models.store import load_card
from OpportunisticBMDLib.stages.skeleton import SkeletonFinder

HIGHEST = np.array([4.0, 15.0, 42.0])  # RAS mm: the middle of the upper one of three bodies
CENTRES = {name: HIGHEST - (0.0, 0.0, 34.0 * n) for n, name in enumerate(("T12", "L1", "L2"))}
SIDES_MM = np.array([40.0, 30.0, 24.0])


@dataclass
class BrightIsBody:
    """A network that takes whatever is bright for a body, and counts how often it is asked."""

    asked: list[tuple[int, ...]] = field(default_factory=list)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        self.asked.append(image.shape)
        found = np.zeros((1, len(Bone), *image.shape[2:]), np.float32)
        found[0, Bone.BODY] = image[0, 0] > 0.5
        found[0, 0] = image[0, 0] <= 0.5
        return found


@pytest.fixture
def ct() -> Volume:
    """Three bright cuboids."""
    grid = Grid.axis_aligned((120, 120, 160), (2.0, 2.0, 2.0))
    ras = grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1))
    bodies = [(np.abs(ras - centre) <= SIDES_MM / 2).all(axis=-1) for centre in CENTRES.values()]
    return Volume(np.where(np.any(bodies, axis=0), 700, 0).astype(np.int16), grid)


@pytest.fixture
def finder() -> SkeletonFinder:
    return SkeletonFinder(BrightIsBody(), load_card("skeleton"))


def regions(**moved_mm: tuple[float, float, float]) -> dict[str, Region]:
    half = np.diag([12.0, 9.0, 4.5])
    return {name: Region(centre + moved_mm.get(name, (0.0, 0.0, 0.0)), half) for name, centre in CENTRES.items()}


def test_all_are_seen_in_one_look(ct: Volume, finder: SkeletonFinder):
    assert finder.shares_in_body(ct, regions()) == {"T12": 1.0, "L1": 1.0, "L2": 1.0}
    assert len(finder.network.asked) == 1


def test_a_region_beside_its_body_lies_in_none(ct: Volume, finder: SkeletonFinder):
    shares = finder.shares_in_body(ct, regions(L1=(20.0, 0.0, 0.0), L2=(0.0, 45.0, 0.0)))
    assert shares["T12"] == 1.0 and 0.3 < shares["L1"] < 0.7 and shares["L2"] == 0.0


def test_regions_that_moved_a_little_need_no_new_look(ct: Volume, finder: SkeletonFinder):
    finder.shares_in_body(ct, regions())
    for step in (0.7, -0.7):
        assert min(finder.shares_in_body(ct, regions(L1=(step, step, step))).values()) == 1.0
    assert len(finder.network.asked) == 1
    other = Volume(np.zeros_like(ct.array), ct.grid)
    assert finder.shares_in_body(other, regions()) == {"T12": 0.0, "L1": 0.0, "L2": 0.0}


def test_another_network_looks_for_itself(ct: Volume, finder: SkeletonFinder):
    finder.shares_in_body(ct, regions())
    second = SkeletonFinder(BrightIsBody(), finder.card)
    assert second.shares_in_body(ct, regions())["L1"] == 1.0 and len(second.network.asked) == 1


def test_regions_far_apart_have_a_look_each(ct: Volume, finder: SkeletonFinder):
    far = regions(T12=(0.0, 0.0, 60.0))
    assert finder.shares_in_body(ct, far) == {"T12": 0.0, "L1": 1.0, "L2": 1.0}
    assert len(finder.network.asked) == 3


def test_what_reaches_beyond_a_look_is_in_no_body(ct: Volume, finder: SkeletonFinder):
    huge = {"L1": Region(CENTRES["L1"], np.diag([100.0, 9.0, 4.5]))}
    assert 0.0 < finder.shares_in_body(ct, huge)["L1"] < 0.5


def test_without_regions_nothing_is_looked_at(ct: Volume, finder: SkeletonFinder):
    assert finder.shares_in_body(ct, {}) == {} and not finder.network.asked
