"""What HU mean in mg/cm3: zero is water at 120 kVp, marrow stays where it is at every voltage, slopes from spectra."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.calibration import COHORT_FACTORS, MINERAL, MONOENERGETIC, line_at, line_for
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.materials import HA_HU_PER_MG_CM3, SOLUTION_HU_PER_MG_CM3, ha_of, k2hpo4_of
from OpportunisticBMDLib.core.tube_voltage import LEAST_KEV, MOST_KEV

materials = pytest.importorskip(
    "OpportunisticBMDTraining.virtual.materials", reason="first principles need the training extra"
)
VOLTAGES = sorted(MINERAL)


def test_zero_is_water_at_120_kvp():
    assert line_for(120).bmd(0.0) == 0.0
    assert line_for(120).slope_hu_per_mg_cm3 == HA_HU_PER_MG_CM3


@pytest.mark.parametrize("kvp", [*VOLTAGES, 95, 133])
def test_marrow_without_mineral_reads_minus_15_at_every_voltage(kvp):
    """45 % of it is yellow; a scan at any voltage is brought to what 120 kVp would read."""
    _, marrow = materials.calibration(kvp, materials.MEAN_MARROW_FAT)
    assert line_for(kvp).bmd(marrow) == pytest.approx(-15.1, abs=0.1)


@pytest.mark.parametrize("kvp", VOLTAGES)
def test_the_same_bone_reads_the_same_at_every_voltage(kvp):
    (slope, marrow), (slope_120, marrow_120) = materials.calibration(kvp), materials.calibration(120)
    for mineral in (50.0, 120.0, 200.0):
        read = line_for(kvp).bmd(slope * mineral + marrow)
        assert read == pytest.approx(line_for(120).bmd(slope_120 * mineral + marrow_120), abs=0.5)


def test_the_thresholds_lie_where_radiologists_put_them():
    """80 and 120 mg/cm3 at about 100-110 and 150-160 HU."""
    assert line_for(120).hu(80.0) == pytest.approx(103, abs=1) and line_for(120).hu(120.0) == pytest.approx(154, abs=1)


@pytest.mark.parametrize("kvp", VOLTAGES)
def test_slopes_and_marrow_are_those_of_tube_spectra(kvp):
    pytest.importorskip("spekpy"), pytest.importorskip("xraydb")
    slope, marrow = MINERAL[kvp]
    assert slope == pytest.approx(materials.derive_mineral(kvp)[0], abs=0.002)
    _, red, yellow = materials.derive_line(kvp)
    assert marrow == pytest.approx(red + materials.MEAN_MARROW_FAT * (yellow - red), abs=0.1)


def test_k2hpo4_reads_about_3_percent_below_ha_and_zero_in_water():
    pytest.importorskip("spekpy"), pytest.importorskip("xraydb")
    assert materials.derive_mineral(120)[1] == pytest.approx(SOLUTION_HU_PER_MG_CM3, abs=0.002)
    assert k2hpo4_of(0.0) == 0.0
    assert k2hpo4_of(100.0) == pytest.approx(97, abs=0.3) and ha_of(k2hpo4_of(123.0)) == pytest.approx(123.0)
    # Without minding the displaced water it would be 17 % (Goodsitt 1992: 14 to 19 %).
    assert pytest.approx(0.83, abs=0.01) == HA_HU_PER_MG_CM3 / SOLUTION_HU_PER_MG_CM3


def test_unknown_voltage_is_read_as_120_kvp():
    assert line_for(None) == line_for(120)


def test_lower_voltage_means_more_hu_for_the_same_mineral():
    slopes = [line_for(kvp).slope_hu_per_mg_cm3 for kvp in VOLTAGES]
    assert slopes == sorted(slopes, reverse=True)


def test_line_goes_there_and_back():
    line = line_for(100)
    assert line.bmd(line.hu(137.0)) == pytest.approx(137.0)


def test_a_real_phantom_7_percent_off_lies_within_the_lines_95_percent():
    """A rod of 200 mg HA/cm3 on a real scanner: 1.37 HU per mg/cm3 instead of 1.28."""
    line = line_for(120)
    assert abs(line.bmd(1.37 * 200) - 200) < 1.96 * line.sd(200.0)


@pytest.mark.parametrize("kvp", sorted(COHORT_FACTORS))
def test_the_gap_between_spectra_and_cohort_lies_within_the_lines_95_percent(kvp):
    """What a cohort's HU at this voltage become at 120 kVp, by its own factor and by the line."""
    line, hu = line_for(kvp), 150.0
    by_cohort = line_for(120).bmd(COHORT_FACTORS[kvp] * hu)
    assert abs(line.bmd(hu) - by_cohort) < 1.96 * line.sd(line.bmd(hu))


def test_other_voltages_are_less_certain_than_120_kvp():
    assert line_for(120).sd(100.0) < line_for(140).sd(100.0) < line_for(100).sd(100.0) < line_for(80).sd(100.0)


def test_a_scanners_own_line_is_taken_as_it_is():
    own = Calibration("phantom", "HA", 1.37, 37.0, "measured on this scanner")
    assert own.sd(150.0) == 0.0 and own.bmd(37.0) == 0.0
    assert own.bmd(np.array([37.0, 174.0])) == pytest.approx([0.0, 100.0])


@pytest.mark.parametrize("kvp", [0, -1, 120000, float("nan"), float("inf")])
def test_what_is_no_voltage_is_read_as_120_kvp(kvp):
    assert line_for(kvp) == line_for(120)


@pytest.mark.parametrize(("kvp", "nearest"), [(60, 70), (180, 150)])
def test_voltages_beyond_the_table_have_its_last_line_and_name_it(kvp, nearest):
    assert line_for(kvp) == line_for(nearest) and line_for(kvp).name == f"{nearest} kVp"


@pytest.mark.parametrize("energy", sorted(MONOENERGETIC))
def test_lines_of_monoenergetic_images_are_those_of_attenuation_tables(energy):
    pytest.importorskip("xraydb")
    slope, marrow = materials.derive_monoenergetic(energy)
    assert pytest.approx((slope, marrow), abs=0.05) == MONOENERGETIC[energy]
    assert line_at(energy).bmd(marrow) == pytest.approx(-15.1, abs=0.1)


def test_70_kev_shows_bone_nearly_as_120_kvp_does():
    assert line_at(70).slope_hu_per_mg_cm3 == pytest.approx(line_for(120).slope_hu_per_mg_cm3, rel=0.03)
    assert line_at(70).sd(100.0) > line_for(120).sd(100.0)


@pytest.mark.parametrize("energy", [LEAST_KEV - 1, MOST_KEV + 1])
def test_other_energies_have_no_line(energy):
    with pytest.raises(ValueError, match="keV"):
        line_at(energy)
    assert (min(MONOENERGETIC), max(MONOENERGETIC)) == (LEAST_KEV, MOST_KEV)
