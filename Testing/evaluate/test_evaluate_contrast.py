"""How contrast is seen and corrected for: the tables, and one virtual patient with and without an agent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from OpportunisticBMDTraining.evaluate.contrast import SeenPatient, measure, pairs_table, phases_table
from OpportunisticBMDTraining.fit.contrast import component_of, fitted
from OpportunisticBMDTraining.virtual.patient import draw_parameters

NATIVE = SeenPatient(1, "none", "none", 0.99, "pixels", np.nan, np.nan)
VENOUS = SeenPatient(2, "portal venous", "portal venous", 0.99, "pixels", 18.0, 0.5)
MISTAKEN = SeenPatient(3, "portal venous", "late", 0.75, "pixels", 15.0, 15.0)


def test_the_phases_are_counted():
    table = phases_table([NATIVE, VENOUS, MISTAKEN])
    assert "| portal venous | 0 | 0 | 1 | 1 | 0 | 1 of 2 |" in table and "2 of 3, 66.7 %" in table


def test_pairs_are_those_with_an_agent():
    table = pairs_table([NATIVE, VENOUS, MISTAKEN])
    assert "| all | 2 | +16.5 ± 1.5 | +7.8 ± 7.2 | 16.6 | 10.6 |" in table and "| none |" not in table


def test_medians_and_spreads_of_each_component():
    seen = [("none", {"gain": gain}) for gain in (-1.0, 0.0, 1.0)] + [("late", {"gain": 60.0, "cava": 1.0})]
    found = fitted(seen)
    assert found["none"] == {"gain": (0.0, 1.85)} and found["late"]["cava"] == (1.0, 0.0)


def test_the_late_phase_has_two_components():
    patient = next(p for n in range(300) if (p := draw_parameters(n, "many-scanners")).agent.phase == "late")
    early, late = (replace(patient, agent=replace(patient.agent, delay_s=delay)) for delay in (120.0, 300.0))
    assert (component_of(early), component_of(late)) == ("nephrographic", "urographic")


@pytest.mark.slow
def test_the_agent_in_a_patients_marrow_is_what_both_scans_differ_by():
    patients = (draw_parameters(seed) for seed in range(100))
    seed = next(p.seed for p in patients if p.agent.phase == "portal venous" and p.scan.kvp == 120)
    seen = measure(seed, "one-scanner")
    uptake = draw_parameters(seed).marrow_contrast_hu / 1.28
    assert seen.phase == seen.seen == "portal venous"
    assert seen.read_mg_cm3 == pytest.approx(uptake, rel=0.1)
    assert seen.shown_mg_cm3 == pytest.approx(seen.read_mg_cm3 - 17.5, abs=0.1)
