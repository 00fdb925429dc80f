"""What the patient's own tissues say of the scanner, weighed against the computed line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.calibration.internal import BLOOD, FAT_HU, MUSCLE, likeliest_line, seen_tissues, unlikeliness
from OpportunisticBMDLib.core.contrast import Contrast, Phase
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.reading import read_ct

USUAL = {"fat": FAT_HU[120], "muscle": MUSCLE.hu, "blood": BLOOD.hu}
NATIVE = {"T12": (-4.2, 125.1, 414.4), "L1": (-5.7, 133.9, 382.6), "L2": (-4.9, 145.0, 348.7)}
BODIES = {name: np.array(middle) for name, middle in NATIVE.items()}


def shifted(hu: float, **others: float) -> dict[str, float]:
    return {name: usual + hu for name, usual in USUAL.items()} | others


def test_usual_tissues_leave_the_line_where_it_is_and_make_it_surer():
    computed, line = line_for(120), likeliest_line(line_for(120), USUAL, 120)
    assert line.bmd(128.0) == pytest.approx(computed.bmd(128.0), abs=0.01)
    assert line.sd(100.0) < computed.sd(100.0) and line.sd(0.0) < computed.sd(0.0)
    assert line.kind == "internal" and line.source.endswith("fat, muscle and blood show")


def test_a_scanner_that_shows_all_too_bright_is_believed_in_part():
    """Tissues of 8 HU more: water is then bright, too, by less; fat that is not so dark may also be a flatter scale."""
    computed, line = line_for(120), likeliest_line(line_for(120), shifted(8.0), 120)
    assert 1.0 < line.intercept_hu - computed.intercept_hu < 8.0
    assert -8.0 / computed.slope_hu_per_mg_cm3 < line.bmd(128.0) - computed.bmd(128.0) < -0.5


def test_more_between_fat_and_muscle_is_a_steeper_line():
    wide = {name: 1.06 * hu for name, hu in USUAL.items()}
    assert likeliest_line(line_for(120), wide, 120).slope_hu_per_mg_cm3 > line_for(120).slope_hu_per_mg_cm3


def test_weights_are_those_of_least_squares():
    """By hand, of a scanner that is only brighter: precision of the tissues against that of the offset."""
    line = likeliest_line(line_for(120), {name: USUAL[name] + 6.0 for name in ("muscle", "blood")}, 120)
    tissues = sum(1 / (tissue.sd_hu**2 + 9.0) for tissue in (MUSCLE, BLOOD))
    share = tissues / (tissues + 1 / line_for(120).intercept_sd_hu ** 2)
    assert line.intercept_hu == pytest.approx(6.0 * share, rel=0.05)  # the rest goes into the scale


def test_one_tissue_that_the_others_contradict_is_left_out():
    line = likeliest_line(line_for(120), USUAL | {"muscle": 100.0}, 120)
    assert line.source.endswith("fat and blood show")
    assert line.bmd(128.0) == pytest.approx(line_for(120).bmd(128.0), abs=0.01)


@pytest.mark.parametrize("seen", [{}, {"fat": -100.0}, {"fat": -60.0, "muscle": 110.0}])
def test_too_few_tissues_or_contradictory_ones_tell_nothing(seen):
    assert likeliest_line(line_for(120), seen, 120) is None


@pytest.mark.parametrize("kvp", [70, 80, 100, 120, 140, 150, None])
def test_marrow_reads_what_it_reads_at_120_kvp(kvp):
    """Tissues as this voltage shows them: bone and marrow are where the computed line has them."""
    computed = line_for(kvp)
    line = likeliest_line(computed, USUAL | {"fat": FAT_HU[kvp or 120]}, kvp)
    for density in (-15.1, 100.0):
        assert line.bmd(computed.hu(density)) == pytest.approx(density, abs=0.7)


def test_an_energy_that_shows_more_bone_shows_marrow_as_fat_as_it_is():
    """Fat darker by a lower energy: the slope rises, and marrow without mineral keeps its -15 mg/cm3 nearly."""
    line = likeliest_line(line_for(120), USUAL | {"fat": FAT_HU[110]}, 120)
    assert line.slope_hu_per_mg_cm3 > line_for(120).slope_hu_per_mg_cm3
    assert line.bmd(-19.3) == pytest.approx(-15.1, abs=1.5)


def test_tables_of_fat_are_those_of_tube_spectra():
    pytest.importorskip("spekpy"), pytest.importorskip("xraydb")
    materials = pytest.importorskip("OpportunisticBMDTraining.virtual.materials")
    for kvp in (80, 120):
        assert materials.derive_fat(kvp) == pytest.approx(FAT_HU[kvp], abs=0.1)


@pytest.fixture(scope="module")
def native(real_ct) -> CT:
    return read_ct(real_ct("abdomen-native") / "ct.nii.gz")


def test_a_real_patient_without_contrast_has_a_line_near_the_computed_one(native):
    seen = seen_tissues(native, BODIES, Contrast(Phase.NONE, "pixels", organs_hu={"aorta": 41.0}))
    line = likeliest_line(line_for(120), seen, 120)
    assert unlikeliness(line, seen, 120) < 2
    assert line.source.endswith("fat, muscle and blood show")
    assert line.bmd(128.0) == pytest.approx(100.0, abs=6.0)


@pytest.mark.parametrize("phase", [Phase.ARTERIAL, Phase.PORTAL_VENOUS, Phase.LATE, None])
def test_fat_alone_is_told_with_an_agent_or_an_unknown_one(native, phase):
    seen = seen_tissues(native, BODIES, Contrast(phase, organs_hu={"aorta": 140.0}))
    assert seen.keys() == {"fat"} and likeliest_line(line_for(120), seen, 120) is None


def test_nothing_is_told_without_bodies(native):
    assert seen_tissues(native, {}, Contrast(Phase.NONE)) == {}


def scaled(factor):
    return {name: factor * hu for name, hu in USUAL.items()}


@pytest.mark.parametrize("kind", ["voltage", "internal", "scanner"])
def test_usual_tissues_contradict_no_line_and_those_of_another_voltage_or_scale_do(kind):
    line = replace(line_for(120), kind=kind)
    assert unlikeliness(line, USUAL, 120) < 0.1 and unlikeliness(line, {}, 120) == 0.0
    assert unlikeliness(line, scaled(0.8), 120) > 2.6 > unlikeliness(line, scaled(0.9), 120)
    assert unlikeliness(line, USUAL | {"fat": FAT_HU[70]}, 120) > 2.6 > unlikeliness(line, USUAL, 100)
    assert np.isfinite(unlikeliness(line, scaled(40.0), 120))


def test_a_line_of_a_scanner_says_where_water_lies():
    own = replace(line_for(120), kind="scanner", intercept_hu=line_for(120).intercept_hu + 25, intercept_sd_hu=1.0)
    assert unlikeliness(own, shifted(25), 120) < 0.1 and unlikeliness(line_for(120), shifted(25), 120) > 2.6
