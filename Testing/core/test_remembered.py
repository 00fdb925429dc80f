"""What is found out about a volume is found once, and forgotten with it."""

from __future__ import annotations

import gc
import weakref

import numpy as np

from grids import GRIDS
from OpportunisticBMDLib.core.remembered import remembered
from OpportunisticBMDLib.core.volume import Volume


def test_each_volume_is_looked_at_once_and_goes_when_nobody_needs_it():
    looked: list[float] = []

    @remembered
    def brightest(volume: Volume) -> float:
        looked.append(float(volume.array.max()))
        return looked[-1]

    grid = GRIDS["canonical"]
    first, second = (Volume(np.full(grid.size, value, np.int16), grid) for value in (3, 3))
    assert [brightest(first), brightest(first), brightest(second)] == [3.0, 3.0, 3.0] and len(looked) == 2
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None


def test_what_else_is_asked_is_found_once_for_each_volume():
    looked: list[tuple[float, int]] = []

    @remembered
    def brighter(volume: Volume, by: int) -> float:
        looked.append((float(volume.array.max()), by))
        return looked[-1][0] + by

    grid = GRIDS["canonical"]
    dark, bright = (Volume(np.full(grid.size, value, np.int16), grid) for value in (3, 30))
    assert [brighter(dark, 1), brighter(dark, 2), brighter(bright, 1), brighter(dark, 1)] == [4.0, 5.0, 31.0, 4.0]
    assert looked == [(3.0, 1), (3.0, 2), (30.0, 1)]
