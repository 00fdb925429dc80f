"""What a process of a cohort leaves of a CT, whatever happens."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from cohort.invented_rows import measured
from OpportunisticBMDLib.cohort import worker as module
from OpportunisticBMDLib.cohort.attempts import attempts, begin
from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.cohort.measurer import Way
from OpportunisticBMDLib.cohort.place import Place
from OpportunisticBMDLib.cohort.row import failed_row, keep, kept_row
from OpportunisticBMDLib.cohort.worker import ENDED, Worker

CASE = Case("a", Path("a.nii.gz"))


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    """One whose CTs are all alike."""
    place = Place(tmp_path)
    place.attempts.mkdir()
    worker = Worker(Way(), place, 1.0)
    worker._measurer = SimpleNamespace(measure=lambda case, folder: measured(case.name))
    return worker


def test_a_ct_is_done_once_its_row_is_kept(worker: Worker, tmp_path: Path):
    assert worker.work(CASE) == measured("a") == kept_row(tmp_path / "cases" / "a")
    assert attempts(tmp_path / "attempts", "a") == 0


def test_a_ct_that_ended_three_processes_is_not_tried_again(worker: Worker, tmp_path: Path):
    for _ in range(3):
        begin(tmp_path / "attempts", "a")
    assert worker.work(CASE).message == ENDED
    assert kept_row(tmp_path / "cases" / "a") == failed_row(CASE, ENDED)


def test_a_ct_whose_process_ended_before_it_could_tell_is_not_measured_twice(worker: Worker, tmp_path: Path):
    begin(tmp_path / "attempts", "a")
    keep(tmp_path / "cases" / "a", measured("a", 77.0))
    assert worker.work(CASE).bmd_mg_cm3 == 77 and attempts(tmp_path / "attempts", "a") == 0


def test_a_full_disk_ends_the_run_and_is_not_the_fault_of_a_ct(worker: Worker, tmp_path: Path, monkeypatch):
    worker._measurer.measure = lambda case, folder: failed_row(case, "It cannot be written.")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))
    with pytest.raises(OSError, match="No space left"):
        worker.work(CASE)
    assert kept_row(tmp_path / "cases" / "a") is None
    monkeypatch.undo()
    assert shutil.disk_usage(tmp_path).free and worker.work(CASE).message == "It cannot be written."
