"""Planted faults: dealt to clean patients, counted as found or missed, and never measured twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import isnan, nan
from pathlib import Path

import pytest

from example_results import result_of
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDTraining.evaluate.fault_tables import tables
from OpportunisticBMDTraining.evaluate.faults import left_to_do, main, plan
from OpportunisticBMDTraining.evaluate.faulty_scan import (
    FaultyScan,
    append,
    begin,
    beside_clean,
    faulty_scan,
    scans_in,
)

CLEAN = FaultyScan(0, 7, "one-scanner", "", "", "measured", "L1 L2", 100.0, 1.0, 1.0, "", "", "sharp_kernel")
CEMENT = replace(CLEAN, fault="cement", planted="cement in L1, of 900 HU", status="review", warnings="metal")
NAMES = ("cement", "child")


def row(text: str, start: str, column: int = 2) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {start} |")).split("|")[column].strip()


def test_a_scan_is_silently_wrong_if_the_fault_moved_it_and_nobody_says_so() -> None:
    missed = replace(CEMENT, status="measured", warnings="", error=-14.0)
    assert missed.is_silently_wrong
    assert not replace(missed, status="review").is_silently_wrong
    assert not replace(missed, error=11.0).is_silently_wrong
    assert not replace(missed, error=nan).is_silently_wrong
    assert not replace(missed, error_clean=-13.0).is_silently_wrong, "the scanner is off, not the scan"
    assert replace(missed, error=-30.0, error_clean=-13.0).is_silently_wrong
    assert replace(missed, error_clean=nan).is_silently_wrong
    assert not replace(missed, fault="").is_silently_wrong


def test_the_error_is_that_of_the_vertebrae_used() -> None:
    result = replace(result_of(), vertebrae_used=("T12", "L1"), bmd_mg_cm3=90.0)
    scan = faulty_scan(0, 7, "one-scanner", "", "", result, {"T12": 80.0, "L1": 90.0, "L2": 500.0})
    assert (scan.error, scan.used) == (5.0, "T12 L1")
    assert isnan(faulty_scan(0, 7, "one-scanner", "", "", result, {"L1": 90.0}).error)
    assert [s.error_clean for s in beside_clean([replace(scan, fault="cement", error=9.0), scan])] == [5.0, 5.0]


def test_the_tables_count_what_was_found_missed_and_made_up() -> None:
    scans = [
        CLEAN,
        replace(CLEAN, number=1, cohort="many-scanners", status="review", warnings="noisy", notes=""),
        CEMENT,
        replace(CEMENT, number=1, status="measured", warnings="", notes="", error=20.0),
        replace(CEMENT, number=2, warnings="dense_lesion"),
        replace(CLEAN, fault="child", status="refused", refusals="child", error=nan),
    ]
    text = tables(scans, NAMES)
    assert row(text, "clean") == "2" and row(text, "clean", 6).startswith("50.0 % (1/2; ")
    assert row(text, "clean, many-scanners", 3) == "0" and row(text, "clean, one-scanner", 3) == "1"
    assert [row(text, "cement", n)[:14] for n in range(2, 8)] == ["3", "66.7 % (2/3; 2", "1", "2", "0", "20.0"]
    assert row(text, "metal") == "3" and row(text, "metal", 3).startswith("33.3 % (1/3; ")
    assert row(text, "noisy", 4).startswith("50.0 % (1/2; ") and row(text, "noisy") == "0"
    assert row(text, "sharp_kernel", 4).startswith("0 % (0/2; ") and row(text, "sharp_kernel", 5) == "50.0 % (1/2)"
    assert (
        "left as measured: 1." in text
        and "| one-scanner 7 | cement | cement in L1, of 900 HU | L1 L2 | +20.0 |" in text
    )
    assert "Clean, yet not measured: 1." in text and row(text, "many-scanners 7", 3) == "noisy"


def test_nothing_wrong_is_said_in_a_word() -> None:
    text = tables([CLEAN, CEMENT], NAMES)
    assert "left as measured: 0." in text and "Clean, yet not measured: 0." in text
    assert row(text, "child", 3) == "–"


def test_a_file_grows_and_a_line_cut_short_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "faults.csv"
    assert scans_in(path) == []
    begin(path, [CLEAN])
    append(path, [CEMENT])
    assert scans_in(path) == [CLEAN, CEMENT]
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex("review")], encoding="utf-8")
    assert scans_in(path) == [CLEAN]


def test_faults_are_dealt_evenly_to_patients_of_both_cohorts() -> None:
    planned = plan(12, 300, ("cement", "child", "scoliosis", "box elsewhere"))
    assert [p.parameters.cohort for p in planned] == ["one-scanner", "many-scanners"] * 3
    assert Counter(name for p in planned for name in p.faults) == dict.fromkeys(
        ("cement", "child", "scoliosis", "box elsewhere"), 1
    )
    assert max(len(p.faults) for p in planned) == 1
    assert [p.parameters.seed for p in plan(12, 300, NAMES)] == [p.parameters.seed for p in planned]


def test_patients_who_are_done_are_not_measured_again() -> None:
    planned = plan(4, 300, NAMES)
    done = [
        replace(CLEAN, number=p.number, seed=p.parameters.seed, fault=fault)
        for p in planned
        for fault in ("", *p.faults)
    ]
    assert left_to_do(planned, done) == ([], done)
    todo, kept = left_to_do(planned, done[:-1])
    assert [p.number for p in todo] == [1] and {scan.number for scan in kept} == {0}
    with pytest.raises(BadInput, match="another evaluation"):
        left_to_do(planned, [replace(CLEAN, seed=1)])


@pytest.mark.slow
def test_the_command_plants_finds_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "faults.csv"
    command = ["-n", "2", "--seed", "300", "--jobs", "1", "--only", "child", "labels exchanged", "-o", str(path)]
    assert main(command) == 0
    told = capsys.readouterr().out
    scans = {scan.fault: scan for scan in scans_in(path)}
    assert list(scans) == ["", "child", "labels exchanged"]
    assert abs(scans[""].error) < 12 and "wrong_order" in scans["labels exchanged"].refusals
    assert "child" in scans["child"].refusals
    written = path.stat().st_mtime_ns, path.read_bytes()
    assert main(command) == 0
    assert capsys.readouterr().out == told and path.read_bytes() == written[1]
