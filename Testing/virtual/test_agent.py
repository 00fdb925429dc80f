"""An injected agent: organs and marrow by phase, drawn from a stream of its own, and headers that are right or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from OpportunisticBMDLib.core.materials import HA_HU_PER_MG_CM3
from OpportunisticBMDTraining.virtual.agent import iodine_at, with_agent, without_agent
from OpportunisticBMDTraining.virtual.around_spine import around_spine, true_centres
from OpportunisticBMDTraining.virtual.patient import draw_parameters, render

RIGHT = {"right": 1.0}


@pytest.fixture(scope="module")
def people():
    return [draw_parameters(seed, "many-scanners") for seed in range(300)]


def uptake(patient) -> float:
    """mg/cm3 that the marrow holds, at 120 kVp."""
    return patient.marrow_contrast_hu / iodine_at(patient.scan.kvp) / HA_HU_PER_MG_CM3


def test_the_marrow_takes_up_what_was_published_of_each_phase(people):
    """Portal venous 17.5, arterial 5.7; SEs of the means are below 1."""
    phases = {
        phase: [uptake(p) for p in people if p.agent.phase == phase]
        for phase in ("arterial", "portal venous", "late", "none")
    }
    assert np.mean(phases["portal venous"]) == pytest.approx(17.5, abs=2) and np.std(phases["portal venous"]) > 4
    assert np.mean(phases["arterial"]) == pytest.approx(5.7, abs=2)
    assert 4 < np.mean(phases["late"]) < 10 and set(phases["none"]) == {0.0}


def test_organs_follow_the_time_since_the_injection(people):
    for p in people:
        body, agent, iodine = p.body, p.agent, iodine_at(p.scan.kvp)
        if agent.phase == "arterial":
            assert body.aorta_hu > body.vein_hu + 40 and agent.leg_vein_hu < 42 + 40 * iodine
        if agent.phase == "late":
            assert agent.leg_vein_hu == pytest.approx(body.aorta_hu, rel=0.5)
        if agent.phase == "none":
            assert body.aorta_hu == body.vein_hu == agent.leg_vein_hu < 60 and agent.mottle_hu == 0
    arterial, venous = ([p for p in people if p.agent.phase == phase] for phase in ("arterial", "portal venous"))
    assert min(p.agent.mottle_hu for p in arterial) > max(p.agent.mottle_hu for p in venous)
    early = np.mean([p.agent.medulla_hu / p.body.kidney_hu for p in arterial])
    assert early < 0.6 < np.mean([p.agent.medulla_hu / p.body.kidney_hu for p in venous])


def test_headers_are_right_silent_or_wrong(people):
    kinds = [p.agent.header for p in people]
    assert {kind: kinds.count(kind) / len(kinds) for kind in set(kinds)} == pytest.approx(
        {"right": 0.75, "silent": 0.17, "wrong": 0.08}, abs=0.06
    )
    assert {draw_parameters(seed).agent.header for seed in range(40)} == {"right"}


@pytest.mark.parametrize(
    ("header", "with_one", "without_one"), [("right", "iodine", ""), ("silent", None, None), ("wrong", "", "iodine")]
)
def test_the_scan_says_what_its_header_does(header, with_one, without_one):
    drawn = around_spine(draw_parameters(3, "many-scanners"))
    small = replace(drawn, scan=replace(drawn.scan, top=20.0, bottom=-20.0, field_of_view=120.0))
    for contrast, stated in ((True, with_one), (False, without_one)):
        patient = with_agent(replace(small, contrast=contrast), {header: 1.0})
        assert render(patient).acquisition.contrast_agent == stated


def test_the_same_patient_without_an_agent(people):
    patient = next(p for p in people if p.contrast)
    native = without_agent(patient)
    assert not native.contrast and native.marrow_contrast_hu == 0 and native.agent.phase == "none"
    changed = {"contrast", "body", "agent", "marrow_contrast_hu"}
    assert all(getattr(native, name) == getattr(patient, name) for name in vars(patient) if name not in changed)
    assert native.body.liver_hu < patient.body.liver_hu
    assert with_agent(replace(native, contrast=True), RIGHT).body.aorta_hu == patient.body.aorta_hu  # the same draw


@pytest.mark.slow
def test_the_scan_shows_cortex_medulla_and_blood_of_the_legs():
    drawn = around_spine(draw_parameters(11, "many-scanners"))
    scan = replace(drawn.scan, noise_hu=0.0, slope=1.0, offset=0.0, cupping_hu=0.0, top=60.0, bottom=-75.0)
    plain = replace(drawn, scan=replace(scan, field_of_view=240.0, slice_thickness=2.5), contrast=True)
    patient = replace(plain, agent=replace(plain.agent, leg_vein_hu=60.0, medulla_hu=80.0))
    patient = replace(patient, body=replace(patient.body, kidney_hu=200.0, vein_hu=160.0, aorta_hu=150.0))
    made = render(patient)
    assert set(true_centres(patient)) == {"T12", "L1", "L2"}
    hu = made.ct.array[np.isfinite(made.ct.array)]
    for value in (60, 80, 150, 160, 200):
        assert (np.abs(hu - value) < 4).sum() * made.ct.grid.voxel_volume > 1000  # 1 ml of each
