"""Ribs that rise from the spine to the sides are those of a patient who lies upside down in the file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from example_levels import sure
from example_results import acquisition, grid_of
from OpportunisticBMDLib import quality
from OpportunisticBMDLib.core.levels import Levels, Rib
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume


def refusals(levels: Levels | None) -> list[str]:
    grid = grid_of("straight")
    nothing = Segmentation(Volume(np.zeros(grid.size, np.uint8), grid), {})
    scan = quality.SeenScan(Volume(np.zeros(grid.size, np.int16), grid), nothing, acquisition(), levels=levels)
    return [reason.code for reason in quality.cautions(scan) if reason.severity == "refusal"]


def with_ribs(levels: Levels, **changes: float) -> Levels:
    def changed(rib: Rib) -> Rib:
        return replace(rib, **changes) if rib.length_mm else rib

    vertebrae = [replace(v, right=changed(v.right), left=changed(v.left)) for v in levels.vertebrae]
    return replace(levels, vertebrae=tuple(vertebrae))


def test_falling_ribs_are_as_they_should_be():
    assert refusals(sure()) == []
    assert refusals(None) == []


def test_rising_ribs_are_refused():
    assert refusals(with_ribs(sure(), descent_degrees=-25.0)) == ["orientation_contradicted"]


def test_a_stump_tells_nothing():
    assert refusals(with_ribs(sure(), descent_degrees=-25.0, length_mm=20.0)) == []
