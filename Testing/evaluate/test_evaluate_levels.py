"""Patients named right, flagged and named wrong without a word are told apart."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest

from OpportunisticBMDLib.core.levels import Rib, Variant
from OpportunisticBMDTraining.evaluate.levels import (
    FLAGGED,
    REFUSED,
    RIGHT,
    WRONG,
    LevelsOfPatient,
    main,
    reaching_the_sacrum,
    rib_outcome,
    seeds_of,
    table,
)
from OpportunisticBMDTraining.virtual.patient import draw_parameters, place_vertebrae
from OpportunisticBMDTraining.virtual.true_levels import variant_of

USUAL = LevelsOfPatient(1, RIGHT, True, True, 0.99, 0.0, "none", "none", 8, 8, 0, 1.25)


def row(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {start}")).split("|")[2].strip()


def test_the_table_counts_what_is_safe_and_what_is_not() -> None:
    found = [
        USUAL,
        replace(USUAL, outcome=FLAGGED),
        replace(USUAL, outcome=WRONG, ribs_right=6),
        replace(USUAL, outcome=REFUSED, measurable=False, ribs_in_view=False, probability=math.nan),
    ]
    text = table(found)
    assert row(text, "right or flagged") == "3 of 4 (75.0 %)"
    assert row(text, "of those with ribs in view") == "1 of 3 (33.3 %)"
    assert row(text, "wrong without a flag") == "1"
    assert row(text, "refused though") == "0"
    assert row(text, "ribs of T11 to L2") == "30 of 32 (93.8 %)"


def test_variants_are_counted_by_what_they_were_called() -> None:
    stump = replace(USUAL, variant=Variant.STUMP_RIBS.value)
    text = table([stump, replace(stump, variant_found=Variant.STUMP_RIBS.value), USUAL])
    assert row(text, "stump ribs: named as such") == "1 of 2 (50.0 %)"
    assert "13 ribs" not in text


@pytest.mark.parametrize(
    ("rib", "true_mm", "outcome"),
    [
        (Rib(0.97, 0.02, True), 80.0, "right"),
        (Rib(0.97, 0.02, True), 0.0, "wrong"),
        (Rib(0.01, 0.02, True), 80.0, "wrong"),
        (Rib(0.01, 0.02, True), 0.0, "right"),
        (Rib(0.1, 0.85, True), 30.0, "right"),
        (Rib(0.45, 0.45, True), 30.0, "cannot tell"),
    ],
)
def test_a_rib_is_right_where_present_or_absent_is(rib: Rib, true_mm: float, outcome: str) -> None:
    assert rib_outcome(rib, true_mm) == outcome


def test_patients_of_a_variant_are_scanned_to_the_sacrum() -> None:
    seed = seeds_of(1, 900000, "many-scanners", Variant.THIRTEEN_RIBS.value)[0]
    parameters = reaching_the_sacrum(draw_parameters(seed, "many-scanners"))
    assert variant_of(parameters.body, parameters.vertebrae) is Variant.THIRTEEN_RIBS
    lowest = place_vertebrae(parameters)[-1]
    assert parameters.scan.bottom < lowest.centre[2] - 50


@pytest.mark.slow
def test_a_patient_of_one_scanner_is_named_right(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    output = tmp_path / "levels.csv"
    assert main(["-n", "1", "--cohort", "one-scanner", "--jobs", "1", "-o", str(output)]) == 0
    with output.open(newline="", encoding="utf-8") as file:
        (patient,) = csv.DictReader(file)
    assert patient["outcome"] == RIGHT
    assert row(capsys.readouterr().out, "right or flagged") == "1 of 1 (100.0 %)"
