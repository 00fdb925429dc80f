"""Annotating without a window: the list, the fields, what each role sees and saves, and work that waits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import annotating_panel  # noqa: F401
from annotated_cases import INFO, annotated_case, write_annotated
from example_results import normal, refused
from OpportunisticBMDLib.cases import CaseInfo, add_scan, open_dataset, write_case
from OpportunisticBMDLib.cases.check import check
from OpportunisticBMDLib.cases.hardest import Uncertainty, record
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDPanel.annotating import work
from OpportunisticBMDPanel.annotating.dataset import CaseRow, add_volume, next_unread, open_or_create, rows_of
from OpportunisticBMDPanel.annotating.form import Form
from OpportunisticBMDPanel.annotating.work import Role

TYPED = Form(
    name="reader-1",
    bmd={"T12": "118", "L1": "105,5", "L2": " 96 "},
    method="QCT",
    exclusions=frozenset({"schmorls_nodes"}),
)


def new_dataset(directory: Path) -> Volume:
    """One new case; gives its true masks."""
    case = annotated_case(info=CaseInfo(kvp=120))
    open_or_create(directory)
    add_scan(directory, case.id, case.ct, case.info)
    return case.labels


def test_an_empty_folder_becomes_a_dataset_and_another_is_left_alone(tmp_path):
    assert open_or_create(tmp_path / "new").entries == ()
    assert open_or_create(tmp_path / "new").entries == ()
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday/picture.jpg").write_text("x")
    with pytest.raises(BadInput, match="not empty"):
        open_or_create(tmp_path / "holiday")


def test_the_list_is_filtered_and_ordered(tmp_path):
    for case_id, status in (("c", "new"), ("a", "reviewed"), ("b", "draft"), ("d", "read")):
        write_case(tmp_path, annotated_case(case_id), status=status)
    record(tmp_path, {"d": Uncertainty(15, 0.9), "b": Uncertainty(None, None)})
    dataset = open_dataset(tmp_path)
    assert [row.case_id for row in rows_of(dataset)] == ["a", "b", "c", "d"]
    assert [row.case_id for row in rows_of(dataset, hardest=True)] == ["b", "d", "a", "c"]
    assert rows_of(dataset, statuses=("read",)) == (CaseRow("d", "read", 0.75, False),)


@pytest.mark.parametrize(
    ("after", "following"), [(None, "b"), ("b", "c"), ("c", "b"), ("d", "b"), ("not in the list", "b")]
)
def test_the_next_unread_case(after, following):
    rows = [CaseRow(i, s, None, False) for i, s in (("a", "read"), ("b", "new"), ("c", "draft"), ("d", "reviewed"))]
    assert next_unread(rows, after) == following


def test_no_next_unread_case():
    assert next_unread([], None) is None
    assert next_unread([CaseRow("a", "new", None, False)], "a") is None


def test_what_is_typed_becomes_facts_and_comes_back():
    info = TYPED.put_into(replace(INFO, exclusions=("L2: haemangioma",)))
    assert info.exclusions == ("schmorls_nodes",)
    kept = replace(TYPED, others=("L2: haemangioma",)).put_into(INFO)
    assert kept.reference_bmd_mg_cm3 == {"T12": 118.0, "L1": 105.5, "L2": 96.0}
    assert kept.exclusions == ("schmorls_nodes", "L2: haemangioma") and kept.kernel == INFO.kernel
    assert Form.of(kept, "reader-1") == replace(
        TYPED, bmd={"T12": "118", "L1": "105.5", "L2": "96"}, others=("L2: haemangioma",)
    )
    assert Form.from_fields(TYPED.fields()) == TYPED
    assert Form.of(CaseInfo()) == Form() == Form.from_fields(Form().fields())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bmd": {"T12": "", "L1": "high", "L2": ""}}, "L1 is 'high'"),
        ({"bmd": {"T12": "", "L1": "nan", "L2": ""}}, "L1"),
        ({"bmd": {"T12": "", "L1": "9000", "L2": ""}}, "9000"),
        ({"method": "  "}, "how the reference BMD was measured"),
    ],
)
def test_what_is_typed_wrongly_is_told(changes, message):
    with pytest.raises(BadInput, match=message):
        replace(TYPED, **changes).put_into(INFO)


def test_from_a_new_case_to_a_reviewed_one_that_the_check_passes(tmp_path):
    labels = new_dataset(tmp_path)
    case = work.open_case(tmp_path, "case-0001", Role.ANNOTATOR)
    assert case.labels is None and case.draft is None and case.ct.acquisition.kvp == 120
    half = Volume(np.where(labels.array == 1, 0, labels.array), labels.grid)
    assert "draft" in work.keep_as_draft(case, half, TYPED, "automatic segmentation").message
    assert open_dataset(tmp_path).entry("case-0001").status == "draft"
    work.keep_as_draft(case, half, TYPED, "by hand")
    assert open_dataset(tmp_path).info("case-0001").history == ("draft: automatic segmentation",)

    assert work.save(case, labels, TYPED).message == "case-0001 is saved as read by reader-1."
    again = work.open_case(tmp_path, "case-0001", Role.REVIEWER)
    assert again.status == "read" and np.array_equal(again.labels.array, labels.array)
    assert "reviewed by reader-2" in work.save(again, labels, replace(TYPED, name="reader-2")).message
    info = open_dataset(tmp_path).info("case-0001")
    assert (info.annotator, info.reviewer, info.exclusions) == ("reader-1", "reader-2", ("schmorls_nodes",))
    assert check(tmp_path).faults == ()


def test_where_the_masks_come_from_is_kept(tmp_path):
    labels = new_dataset(tmp_path)
    work.save(work.open_case(tmp_path, "case-0001", Role.ANNOTATOR), labels, TYPED, work.AUTOMATIC)
    history = open_dataset(tmp_path).info("case-0001").history
    assert history == ("draft: automatic segmentation", "read by reader-1")


def test_a_second_reader_sees_nothing_of_the_first(tmp_path):
    labels = new_dataset(tmp_path)
    work.save(work.open_case(tmp_path, "case-0001", Role.ANNOTATOR), labels, TYPED)
    blind = work.open_case(tmp_path, "case-0001", Role.SECOND_READER, "reader-2")
    assert blind.labels is None
    own = Volume(np.roll(labels.array, 1, axis=1), labels.grid)
    saved = work.save(blind, own, replace(TYPED, name="reader-2"))
    assert 0.8 < saved.agreement.dice["L1"] < 1 and "Dice" in saved.message
    again = work.open_case(tmp_path, "case-0001", Role.SECOND_READER, "reader-2")
    assert np.array_equal(again.labels.array, own.array)
    assert work.open_case(tmp_path, "case-0001", Role.SECOND_READER, "reader-3").labels is None
    first = open_dataset(tmp_path).case("case-0001")
    assert np.array_equal(first.labels.array, labels.array) and check(tmp_path).faults == ()


@pytest.mark.parametrize(
    ("role", "name", "message"),
    [
        (Role.ANNOTATOR, " ", "name the annotator"),
        (Role.REVIEWER, "reader-1", "another person"),
        (Role.SECOND_READER, "reader-1", "another person"),
        (Role.SECOND_READER, "Dr. Müller", "letters"),
    ],
)
def test_names_that_cannot_be(tmp_path, role, name, message):
    labels = new_dataset(tmp_path)
    work.save(work.open_case(tmp_path, "case-0001", Role.ANNOTATOR), labels, TYPED)
    with pytest.raises(BadInput, match=message):
        work.save(work.open_case(tmp_path, "case-0001", role, name), labels, replace(TYPED, name=name))
    assert open_dataset(tmp_path).entry("case-0001").status == "read"


def test_nothing_drawn_is_not_saved(tmp_path):
    labels = new_dataset(tmp_path)
    case = work.open_case(tmp_path, "case-0001", Role.ANNOTATOR)
    with pytest.raises(BadInput, match="nothing is drawn"):
        work.save(case, work.empty_labels(case.ct.volume), TYPED)
    work.keep_as_draft(case, work.empty_labels(case.ct.volume), TYPED, "by hand")
    assert open_dataset(tmp_path).labels("case-0001", labels.grid) is None
    with pytest.raises(BadInput, match="Only the annotator"):
        work.keep_as_draft(replace(case, role=Role.REVIEWER), labels, TYPED, "by hand")


def test_unsaved_work_is_offered_again_to_the_same_role(tmp_path):
    labels = new_dataset(tmp_path)
    case = work.open_case(tmp_path, "case-0001", Role.ANNOTATOR)
    unfinished = replace(TYPED, bmd={"T12": "", "L1": "10", "L2": "x"})
    work.autosave(case, labels, unfinished)
    assert rows_of(open_dataset(tmp_path))[0].has_draft
    assert open_dataset(tmp_path).entry("case-0001").status == "new"
    assert work.open_case(tmp_path, "case-0001", Role.SECOND_READER).draft is None
    again = work.open_case(tmp_path, "case-0001", Role.ANNOTATOR)
    assert np.array_equal(again.draft.labels.array, labels.array)
    assert Form.from_fields(again.draft.fields) == unfinished
    work.save(again, labels, TYPED)
    assert work.open_case(tmp_path, "case-0001", Role.ANNOTATOR).draft is None


def test_a_failed_save_keeps_the_draft(tmp_path):
    labels = new_dataset(tmp_path)
    case = work.open_case(tmp_path, "case-0001", Role.ANNOTATOR)
    work.autosave(case, labels, TYPED)
    with pytest.raises(BadInput):
        work.save(case, labels, replace(TYPED, name=""))
    assert work.open_case(tmp_path, "case-0001", Role.ANNOTATOR).draft is not None
    work.discard(case)
    assert work.open_case(tmp_path, "case-0001", Role.ANNOTATOR).draft is None


def test_the_models_doubts_order_the_list(tmp_path):
    for case_id in ("a", "b"):
        write_annotated(tmp_path, annotated_case(case_id), status="new")
    work.remember_uncertainty(tmp_path, "a", normal())
    work.remember_uncertainty(tmp_path, "b", refused())
    assert [row.case_id for row in rows_of(open_dataset(tmp_path), hardest=True)] == ["b", "a"]


def test_a_volume_becomes_a_case(tmp_path):
    case = annotated_case()
    open_or_create(tmp_path)
    ct = work.open_case(write_annotated(tmp_path / "other"), "case-0001", Role.ANNOTATOR).ct
    assert add_volume(tmp_path, ct, {"PatientSex": "M", "PatientAge": "061Y"}, " p-3 ") == "case-0001"
    info = open_dataset(tmp_path).info("case-0001")
    assert (info.sex, info.age_band, info.patient, info.contrast) == ("male", "60-69", "p-3", False)
    assert np.array_equal(open_dataset(tmp_path).ct("case-0001").array, np.maximum(case.ct.array, -1024))
