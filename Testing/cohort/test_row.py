"""What a cohort keeps of a CT."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from example_results import EXAMPLES, acquisition, normal, refused, review
from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.cohort.row import ROW, failed_row, keep, kept_row, row_of, row_of_entries
from OpportunisticBMDLib.core.contrast import Contrast, Phase

CASE = Case("p1", Path("cts/miller.nii.gz"))


def test_a_row_has_the_numbers_of_the_result():
    row = row_of(CASE, normal(), 4.321)
    assert (row.name, row.status, row.category, row.vertebrae_used) == ("p1", "measured", "normal", ("L1", "L2"))
    assert (row.bmd_mg_cm3, row.bmd_sd_mg_cm3) == (152.31, 5.04)
    assert (row.bmd_low_95_mg_cm3, row.bmd_high_95_mg_cm3) == (142.43, 162.19)
    assert (row.t12_mg_cm3, row.l1_mg_cm3, row.l2_mg_cm3) == (158.2, 154.0, 150.6)
    assert row.hu_region == pytest.approx((197.1 + 192.8) / 2, abs=0.01)
    assert (row.kernel, row.kvp, row.line, row.seconds) == ("STANDARD", 120.0, "voltage", 4.32)


def test_codes_of_reasons_are_apart_from_what_changes_nothing():
    row = row_of(CASE, review(), 1.0)
    assert (row.reasons, row.notes) == (("contrast_agent", "excluded_by_reader"), ("kvp_unknown",))
    assert row.message.startswith("Contrast agent is seen") and row.l2_mg_cm3 is None


def test_a_refused_ct_has_no_number():
    row = row_of(CASE, refused(), 1.0)
    assert row.status == "refused" and row.reasons == ("box_leaves_scan",)
    assert {value for key, value in asdict(row).items() if key.endswith("mg_cm3")} == {None}


def test_age_is_in_whole_years_and_no_more_than_90_and_the_day_is_left_out():
    known = acquisition(age_years=93.7, sex="female", scanned_on="2026-05-12", scanner="ACME 64")
    row = row_of(CASE, replace(normal(), acquisition=known, contrast=Contrast(Phase.ARTERIAL)), 1.0)
    assert (row.age_years, row.sex, row.month, row.scanner) == (90, "female", "2026-05", "ACME 64")
    assert row.contrast_phase == "arterial"


def test_what_a_list_tells_of_the_patient_counts_before_the_file():
    known = acquisition(age_years=50.0, sex="female")
    row = row_of(replace(CASE, age_years=61, sex="male"), replace(normal(), acquisition=known), 1.0)
    assert (row.age_years, row.sex) == (61, "male")


def test_the_same_images_have_the_same_fingerprint():
    assert row_of(CASE, normal(), 1.0).fingerprint == row_of(replace(CASE, name="p2"), normal(), 2.0).fingerprint
    assert row_of(CASE, normal(), 1.0).fingerprint != row_of(CASE, review(), 1.0).fingerprint
    assert row_of(CASE, refused(), 1.0).fingerprint is None


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_row_comes_back_as_it_was_kept(tmp_path: Path, example: str):
    row = row_of(CASE, EXAMPLES[example](), 4.321)
    keep(tmp_path / "p1", row)
    assert kept_row(tmp_path / "p1") == row


def test_a_row_that_cannot_be_is_none(tmp_path: Path):
    folder, row = tmp_path / CASE.name, failed_row(CASE, "It is no image.", 1.0)
    assert kept_row(folder) is None
    keep(folder, row)
    assert kept_row(folder) == row
    wrong: list[dict[str, object]] = [{"status": "done"}, {"kvp": "120"}, {"reasons": [1]}, {"name": None}, {"more": 1}]
    wrong += [{"seconds": True}, {"age_years": 10**30}, {"name": "another"}]
    for entries in wrong:
        (folder / ROW).write_text(json.dumps(asdict(row) | entries))
        assert kept_row(folder) is None
    for text in ("", "[]", "{}", "[" * 100_000):
        (folder / ROW).write_text(text)
        assert kept_row(folder) is None
    with pytest.raises(ValueError, match="fields"):
        row_of_entries([])
