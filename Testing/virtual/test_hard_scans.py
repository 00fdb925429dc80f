"""What makes scans differ most, in a share of the cohort; the others stay as they are."""

from __future__ import annotations

from OpportunisticBMDTraining.virtual.draw_hard_scan import WIDEST_MM
from OpportunisticBMDTraining.virtual.patient import draw_parameters, place_vertebrae, render

PATIENTS = [draw_parameters(seed, "many-scanners") for seed in range(300)]


def test_slices_fields_tables_and_ends_reach_what_clinics_send() -> None:
    scans = [p.scan for p in PATIENTS]
    assert any(s.slice_thickness >= 10 for s in scans)
    assert 0.05 < sum(s.slice_thickness > 5 for s in scans) / len(scans) < 0.2
    assert any(500 < s.field_of_view <= WIDEST_MM and s.table_sag == 0 for s in scans)
    assert any(p.body.cartilage_hu > 150 for p in PATIENTS)
    assert any(p.body.kidney_hu > 300 for p in PATIENTS)


def test_some_scans_end_above_l1_and_some_within_l2_or_l3() -> None:
    heights = [{v.shape.name: float(v.centre[2]) for v in place_vertebrae(p)} for p in PATIENTS]
    bottoms = [p.scan.bottom for p in PATIENTS]
    assert 0 < sum(b > h["L1"] + 10 for b, h in zip(bottoms, heights)) < 20
    assert sum(abs(b - h[n]) < 15 for b, h in zip(bottoms, heights) for n in ("L2", "L3")) > 10


def test_a_scan_of_the_widest_field_can_be_rendered() -> None:
    wide = next(p for p in PATIENTS if p.scan.field_of_view > 550)
    ct = render(wide).ct
    assert ct.grid.size[0] == 512
    assert ct.grid.spacing[0] > 1.05
