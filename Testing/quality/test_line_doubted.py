"""A line that does not fit the scanner's voltage, or the patient's own tissues."""

from __future__ import annotations

from dataclasses import replace

import pytest

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.contrast import Contrast
from OpportunisticBMDLib.core.surroundings import Surroundings
from seen_scans import seen, told

USUAL = {"fat": -100.0, "muscle": 45.0, "blood": 40.0}
COMPUTED = line_for(120)


def said(tissues, line=COMPUTED, **facts):
    return told(seen(around=Surroundings(line, Contrast(), tissues_hu=tissues), **facts), "line_doubted")


@pytest.mark.parametrize("tissues", [USUAL, {"fat": -104.0}, {}, None])
@pytest.mark.parametrize("kind", ["voltage", "internal", "scanner", "given", "phantom"])
def test_nothing_is_said_of_a_line_that_fits(tissues, kind):
    assert said(tissues, replace(COMPUTED, kind=kind)) == []


@pytest.mark.parametrize("kind", ["voltage", "given"])
def test_tissues_that_people_do_not_have_are_named_with_their_hu(kind):
    (reason,) = said({"fat": -75.0, "muscle": 33.0}, replace(COMPUTED, kind=kind))
    assert reason.severity == "warning" and "fat -75 HU, muscle 33 HU" in reason.message
    assert reason.figure.value > reason.figure.limit


@pytest.mark.parametrize(("factor", "count"), [(0.7, 1), (0.85, 0), (1.15, 0), (1.35, 1)])
def test_a_line_of_another_voltage_is_told_by_its_slope(factor, count):
    slope = factor * COMPUTED.slope_hu_per_mg_cm3
    line = replace(COMPUTED, kind="given", slope_hu_per_mg_cm3=slope, slope_sd=0.02)
    assert len(said(USUAL, line)) == count
    assert said(USUAL, replace(line, kind="voltage")) == []


def test_nothing_is_said_where_it_is_not_known_how_densities_are_read():
    assert told(seen(), "line_doubted") == []
