"""The insides of round inserts, and of nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from grids import GRIDS
from OpportunisticBMDLib.calibration.cores import find_cores
from painted_phantoms import Rod, around_origin, painted

GRID = around_origin(GRIDS["canonical"], 120.0)
RADIUS_MM, LENGTH_MM = (8.0, 12.0), 15.0


def cores(*rods: Rod, body_hu: float = 50.0):
    return find_cores(painted(GRID, rods, body_hu).volume, RADIUS_MM, LENGTH_MM)


def test_a_short_insert_has_its_core_in_its_middle():
    (core,) = cores(Rod((12.0, -20.0, 8.0), 10.0, 10.0, 250.0))
    assert np.abs(core.centre_ras - (12.0, -20.0, 8.0)).max() < 1.0
    assert core.hu == pytest.approx(250.0, abs=5.0)
    assert 5.0 < core.radius_mm < 9.0 and 5.0 < core.length_mm < 15.0


def test_a_long_insert_tells_its_axis():
    (core,) = cores(Rod((0.0, 10.0, 0.0), 10.0, 45.0, -60.0))
    assert core.axis_ras[2] > 0.99 and core.length_mm > 60.0


def test_the_clearest_comes_first():
    faint, clear = Rod((-20.0, 0.0, 0.0), 10.0, 20.0, 90.0), Rod((20.0, 0.0, 0.0), 10.0, 20.0, 300.0)
    found = cores(faint, clear)
    assert [round(core.hu, -1) for core in found] == [300.0, 90.0]


def test_neither_body_nor_air_nor_other_shapes_have_one():
    assert cores() == []
    assert cores(Rod((0.0, 0.0, 0.0), 30.0, 40.0, 250.0)) == []
    assert cores(Rod((0.0, 0.0, 0.0), 4.0, 40.0, 250.0)) == []
    assert cores(body_hu=-1000.0) == []
