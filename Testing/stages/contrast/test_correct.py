"""What is taken off a reading: by phase, and only where the phase is sure."""

from __future__ import annotations

import pytest

from OpportunisticBMDLib.core.contrast import NOT_TOLD, Contrast, Phase
from OpportunisticBMDLib.stages.contrast import correction_for


def sure(phase: Phase, **organs: float) -> Contrast:
    return Contrast(phase, "pixels", phase, 0.97, None, organs)


@pytest.mark.parametrize(("phase", "added"), [(Phase.ARTERIAL, 5.7), (Phase.PORTAL_VENOUS, 17.5)])
def test_the_published_mean_is_taken_off(phase, added):
    correction = correction_for(sure(phase), 120.0)
    assert correction.is_applied and correction.bmd(100.0) == pytest.approx(100 - added)
    assert correction.cause == f"{phase.value} contrast" and correction.source


@pytest.mark.parametrize(("aorta", "added"), [(80.0, 2.3), (100.0, 2.3), (115.5, 6.1), (150.0, 9.9)])
def test_late_contrast_is_less_the_darker_the_blood_is_again(aorta, added):
    assert correction_for(sure(Phase.LATE, aorta=aorta), 120.0).bmd(100.0) == pytest.approx(100 - added)


@pytest.mark.parametrize(("kvp", "aorta"), [(80.0, 42 + 1.6 * 40), (100.0, 42 + 1.25 * 40), (None, 82.0)])
def test_late_contrast_is_the_same_at_every_voltage(kvp, aorta):
    """Blood of 82 HU at 120 kVp: the urographic phase."""
    assert correction_for(sure(Phase.LATE, aorta=aorta), kvp).amount(100.0) == pytest.approx(-2.3)


def test_nothing_is_taken_off_where_there_is_no_agent_or_nobody_speaks_of_one():
    for contrast in (sure(Phase.NONE), NOT_TOLD, Contrast(Phase.NONE, "header", stated=False)):
        assert correction_for(contrast, 120.0) is None


def test_a_phase_that_is_not_sure_is_named_alone_and_leaves_the_whole_error():
    correction = correction_for(Contrast(Phase.PORTAL_VENOUS, "pixels", Phase.PORTAL_VENOUS, 0.75), 120.0)
    assert not correction.is_applied and correction.bmd(100.0) == 100.0
    assert correction.amount(100.0) == pytest.approx(-17.5) and correction.sd_mg_cm3 > 17.5


def test_an_agent_that_the_header_alone_knows_is_named_with_a_wide_spread():
    correction = correction_for(Contrast(None, "header", stated=True), 120.0)
    assert not correction.is_applied and correction.sd_mg_cm3 > 12
    assert "unknown phase" in correction.cause
