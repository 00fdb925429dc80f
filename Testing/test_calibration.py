"""The calibration lines: derived from attenuation, the same as those that virtual patients are rendered with."""

import pytest

from OpportunisticBMDLib.calibration import LINES, line_for

materials = pytest.importorskip("training.virtual.materials")


@pytest.mark.parametrize("kvp", [80, 95, 100, 120, 133, 140])
def test_lines_are_those_of_the_virtual_scanner(kvp):
    line = line_for(kvp)
    assert (line.slope_hu_per_mg_cm3, line.intercept_hu) == pytest.approx(materials.calibration(kvp), abs=0.06)


def test_unknown_voltage_is_read_as_120_kvp():
    assert line_for(None) == line_for(120)


def test_lower_voltage_means_more_hu_for_the_same_bone():
    slopes = [LINES[kvp][0] for kvp in sorted(LINES)]
    assert slopes == sorted(slopes, reverse=True)


def test_line_goes_there_and_back():
    line = line_for(100)
    assert line.bmd(line.hu(137.0)) == pytest.approx(137.0)
