"""Descriptions of phantoms: those that are known, and that none can be half-right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from OpportunisticBMDLib.calibration.phantoms import PHANTOMS, Insert
from OpportunisticBMDLib.core.calibration_line import Calibration

ESP, CCI, MINDWAYS = (PHANTOMS[name] for name in ("esp", "qrm-cci", "mindways"))
LINE = Calibration("any", "HA", 1.28, 0.0, "")


def test_the_spine_phantom_holds_50_100_and_200_mg_of_ha():
    assert ESP.material == "HA" and ESP.densities.tolist() == [50.0, 100.0, 200.0]
    assert ESP.hu(LINE) == pytest.approx([64, 128, 256])


def test_rods_of_mindways_show_hu_that_all_differ():
    """The first two hold less than water does, and the last, of most mineral, is the brightest."""
    shown = MINDWAYS.hu(LINE)
    assert shown == pytest.approx([-67.1, -24.8, 194.6, 361.6, 502.0], abs=0.5)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"material": "CaCO3"}, "material"),
        ({"inserts": ESP.inserts[:1]}, "two inserts"),
        ({"inserts": (Insert("a", 50.0), Insert("b", 50.0))}, "density_mg_cm3"),
        ({"inserts": (Insert("a", 50.0), Insert("b", 60.0, 999.0))}, "water_mg_cm3"),
        ({"arrangement": "above"}, "arrangement"),
        ({"radius_mm": (20.0, 10.0)}, "radius_mm"),
        ({"radius_mm": (2.0, 10.0)}, "radius_mm"),
        ({"spacing_mm": (20.0, 2000.0)}, "spacing_mm"),
        ({"spacing_mm": (float("nan"), 20.0)}, "spacing_mm"),
        ({"length_mm": 0.0}, "length_mm"),
    ],
)
def test_no_phantom_is_half_right(change, named):
    with pytest.raises(ValueError, match=named):
        replace(ESP, **change)


def test_bodies_follow_each_other_in_their_order_on_one_axis():
    axis = np.array([0.1, -0.1, 1.0])
    middles = np.array([0.0, 35.0, 70.0])[:, None] * axis
    assert ESP.is_arranged(middles) and ESP.is_arranged(middles[::-1])
    assert not ESP.is_arranged(middles[[1, 0, 2]])
    assert not ESP.is_arranged(middles * 2) and not ESP.is_arranged(middles / 2)
    assert not ESP.is_arranged(middles + [[0, 0, 0], [15, 0, 0], [0, 0, 0]])


def test_rods_beside_each_other_may_lie_in_any_order():
    middles = np.array([[0.0, 0, 0], [80, 0, 0], [20, 0, 0], [60, 0, 0], [40, 0, 0]])
    assert MINDWAYS.is_arranged(middles) and not MINDWAYS.is_arranged(middles / 4)
    apart = middles.copy()
    apart[1, 0] = 150.0
    assert not MINDWAYS.is_arranged(apart)
