"""Fractures that were graded right, missed or made up are told apart, by the true masks and by drawn ones."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from OpportunisticBMDTraining.evaluate.fractures import GradedBody, compressions, main, table, true_masks
from OpportunisticBMDTraining.virtual.patient import draw_parameters, render

WHOLE = GradedBody(1, "true", "L1", "", 0.0, 0.05, 0, 0, 1.25)
WEDGE = GradedBody(2, "true", "L1", "wedge", 0.3, 0.28, 2, 2, 1.25)


def row(text: str, start: str, column: int = 2) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {start}")).split("|")[column].strip()


def test_the_table_counts_what_was_found_missed_and_made_up() -> None:
    found = [
        WHOLE,
        replace(WHOLE, vertebra="L2", loss=0.22, grade=1),
        replace(WHOLE, seed=4, loss=0.3, grade=2),
        replace(WHOLE, seed=5, loss=0.205, grade=1),
        WEDGE,
        replace(WEDGE, seed=3, kind="crush", loss=0.1, grade=0),
        replace(WEDGE, masks="drawn"),
    ]
    text = table(found)
    assert row(text, "bodies whose heights can be told") == "6"
    assert row(text, "grade right") == "2 of 6 (33.3 %)"
    assert row(text, "grade right within one") == "4 of 6 (66.7 %)"
    assert row(text, "fractures of grade 2 and more: found") == "1 of 2 (50.0 %)"
    assert row(text, "of these, crush") == "0 of 1 (0.0 %)"
    assert row(text, "of these, biconcave") == "none"
    assert row(text, "of these, noted at least") == "1 of 2 (50.0 %)"
    assert row(text, "unbroken bodies without a warning") == "2 of 4 (50.0 %)"
    assert row(text, "unbroken bodies without a note") == "1 of 4 (25.0 %)"
    assert row(text, "patients without a fracture who get a warning") == "2 of 3 (66.7 %)"
    assert row(text, "patients without a fracture who get a note at least") == "3 of 3 (100.0 %)"
    assert row(text, "grade right", 3) == "1 of 1 (100.0 %)"


def test_masks_without_a_scan_are_those_of_the_scan() -> None:
    parameters = draw_parameters(5, "one-scanner")
    patient, alone = render(parameters), true_masks(parameters)
    assert alone.grid.spacing == pytest.approx(patient.labels.grid.spacing, abs=1e-3)
    for label in (1, 2, 3):
        there = patient.labels.grid.ras_of(np.argwhere(patient.labels.array == label))
        here = alone.grid.ras_of(np.argwhere(alone.array == label))
        assert len(here) == pytest.approx(len(there), rel=0.01)
        assert here.mean(axis=0) == pytest.approx(there.mean(axis=0), abs=0.1)


def test_a_scan_that_ends_before_the_bodies_shows_none() -> None:
    parameters = draw_parameters(5, "one-scanner")
    scan = replace(parameters.scan, bottom=120.0, top=165.0)
    assert compressions(true_masks(replace(parameters, scan=scan))) == {}


def test_healthy_bodies_of_a_virtual_patient_have_lost_little() -> None:
    found = compressions(true_masks(draw_parameters(5, "one-scanner")))
    assert set(found) == {"T12", "L1", "L2"} and all(c.grade == 0 for c in found.values())


def test_the_command_writes_a_line_per_body(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv_file = tmp_path / "bodies.csv"
    assert main(["-n", "2", "--drawn", "0", "--jobs", "1", "-o", str(csv_file)]) == 0
    told = capsys.readouterr().out
    with csv_file.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert row(told, "bodies whose heights can be told") == str(len(lines)) and {b["masks"] for b in lines} == {"true"}
