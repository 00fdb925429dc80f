"""What intervals are worth, counted on cases whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("MLstatkit", reason="evaluation needs the training extra")

from OpportunisticBMDLib.stages.uncertainty import Scales
from OpportunisticBMDTraining.evaluate.comparisons import Comparison, Facts
from OpportunisticBMDTraining.evaluate.trust import DEFAULT_LINE, LINE_ON_FILE, means_of, probability_table, trust_table

CASE = Comparison(
    "1",
    "measured",
    cohort="one-scanner",
    facts=Facts(contrast=False),
    truth_mg_cm3=100.0,
    bmd_mg_cm3=109.0,
    low_mg_cm3=101.0,
    high_mg_cm3=117.0,
    line="internal",
    line_sd_mg_cm3=4.0,
    corrected=False,
    correction_sd_mg_cm3=0.0,
    filed_mg_cm3=103.0,
    filed_line_sd_mg_cm3=2.0,
    filed_low_mg_cm3=99.0,
    filed_high_mg_cm3=107.0,
    network_sd_mg_cm3=3.0,
    noise_sd_mg_cm3=1.0,
    mask_sd_mg_cm3=1.0,
)
RIGHT = replace(CASE, id="2", facts=Facts(contrast=True), corrected=True, low_mg_cm3=90.0, high_mg_cm3=120.0)


def rows(table: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table.splitlines()[2:]]
    return {row[:3]: row[3:] for row in cells}


def test_coverage_and_width_stand_by_cohort_line_and_agent():
    found = rows(trust_table([CASE, RIGHT, replace(CASE, id="3", cohort="many-scanners")]))
    assert found["one-scanner", DEFAULT_LINE, "all"] == ("2", "50.0 % (1/2)", "11.5", "7.8")
    assert found["one-scanner", DEFAULT_LINE, "without contrast agent"][:2] == ("1", "0 % (0/1)")
    assert found["one-scanner", DEFAULT_LINE, "with contrast agent"][:3] == ("1", "100 % (1/1)", "15.0")
    assert found["one-scanner", LINE_ON_FILE, "all"] == ("2", "100 % (2/2)", "4.0", "3.9")
    assert ("many-scanners", LINE_ON_FILE, "with contrast agent") not in found


def test_other_scales_give_other_intervals():
    found = rows(trust_table([CASE], Scales()))
    assert found["one-scanner", DEFAULT_LINE, "all"][1:3] == ("100 % (1/1)", "9.8")  # 1.96 x hypot(3, 4)
    assert found["one-scanner", LINE_ON_FILE, "all"][1:3] == ("100 % (1/1)", "7.1")


def test_a_case_of_which_something_is_unknown_is_left_out():
    unknown = [
        replace(CASE, corrected=None),
        replace(CASE, line=""),
        replace(CASE, truth_mg_cm3=float("nan")),
        replace(CASE, mask_sd_mg_cm3=float("nan")),
    ]
    assert means_of(unknown, DEFAULT_LINE) == []
    assert len(means_of([CASE], DEFAULT_LINE)) == len(means_of([CASE], LINE_ON_FILE)) == 1


def test_whose_errors_are_alike_follows_from_line_and_agent():
    groups = [[mean.causes.group for mean in means_of([CASE, RIGHT], way)] for way in (DEFAULT_LINE, LINE_ON_FILE)]
    assert groups == [["computed line", "computed line, contrast"], ["own line", "own line, contrast"]]


def test_probabilities_stand_before_and_after():
    sure = replace(Scales(), network=0.0)
    line = next(row for row in probability_table([CASE], sure, Scales()).splitlines() if "| abnormal |" in row)
    before, after = (float(cell.split(";")[0]) for cell in line.split("|")[4:6])
    assert before > after  # of the one who has it, the surer one said it more loudly
