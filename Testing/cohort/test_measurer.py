"""Whatever a CT is, it becomes a row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cohort.made_cohort import BAD, write_cohort
from measured_series import series
from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.cohort.in_folder import cases_in
from OpportunisticBMDLib.cohort.measurer import NO_MEMORY, Measurer, Way
from OpportunisticBMDLib.cohort.row import FAILED
from OpportunisticBMDLib.measuring import Setup

SETUP = Setup(device="cpu", engine="torch", uses_registry=False)


@pytest.fixture(scope="module")
def measurer() -> Measurer:
    return Measurer(Way(SETUP, kvp=100.0))


@pytest.mark.slow
def test_good_and_bad_cts_are_rows(measurer: Measurer, tmp_path: Path):
    write_cohort(tmp_path / "miller", len(BAD) + 2)
    rows = {
        case.name: measurer.measure(case, tmp_path / "results" / case.name) for case in cases_in(tmp_path / "miller")
    }
    failed = {name: row.message for name, row in rows.items() if row.status == FAILED}
    assert failed.keys() == {name.partition(".")[0] for name in BAD}
    assert all(message and "miller" not in message for message in failed.values())
    assert rows["ct000"].bmd_mg_cm3 is not None and rows["ct000"].kvp == 100
    assert rows["ct001"].status == "refused"
    assert {folder.name for folder in (tmp_path / "results").iterdir()} == {"ct000", "ct001"}
    assert json.loads((tmp_path / "results" / "ct000" / "result.json").read_text())["input"]["kvp_by_user"]
    assert not (tmp_path / "outside.nii.gz").exists()


@pytest.mark.slow
def test_dicom_objects_are_written_where_they_are_asked_for(tmp_path: Path):
    pytest.importorskip("highdicom", reason="objects need the extra dicom")
    series(tmp_path / "study", AcquisitionDate="20260512")
    row = Measurer(Way(SETUP, as_dicom=True)).measure(Case("study", tmp_path / "study"), tmp_path / "out")
    assert (row.status, row.sex, row.age_years, row.month) == ("refused", "female", 88, "2026-05")
    assert (tmp_path / "out" / "dicom" / "measurements.dcm").is_file()


def test_a_file_that_tells_the_patient_is_called_by_the_name_that_a_list_gave(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(Setup, "pipeline", lambda _: None)
    (tmp_path / "smith" / "miller").mkdir(parents=True)
    (tmp_path / "smith" / "miller.nrrd").write_text("no image")
    for file in ("miller", "miller.nrrd", "miller.nii"):
        row = Measurer(Way()).measure(Case("p1", tmp_path / "smith" / file), tmp_path / "out")
        assert row.message.startswith("p1 ") and "miller" not in row.message and "smith" not in row.message


def test_a_child_is_refused_before_anything_is_read(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(Setup, "pipeline", lambda _: None)
    row = Measurer(Way()).measure(Case("a", tmp_path / "a.nii", age_years=17), tmp_path / "out")
    assert (row.status, row.reasons, row.age_years) == ("refused", ("child",), 17)


@pytest.mark.parametrize(("error", "message"), [(MemoryError(), NO_MEMORY), (KeyError("/data/miller"), "KeyError")])
def test_what_nobody_thought_of_is_a_row(monkeypatch, tmp_path: Path, error: Exception, message: str):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("OpportunisticBMDLib.cohort.measurer.measure_file", fail)
    monkeypatch.setattr(Setup, "pipeline", lambda _: None)
    row = Measurer(Way()).measure(Case("a", tmp_path / "a.nii"), tmp_path / "out")
    assert row.status == FAILED and message in row.message and "miller" not in row.message
