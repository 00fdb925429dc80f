"""The table of how well lines are measured."""

from __future__ import annotations

import pytest

pytest.importorskip("lightning", reason="the laboratory needs the training extra")

from OpportunisticBMDTraining.evaluate.calibrations import CalibrationOfScan, main, table


def scan(**changes: object) -> CalibrationOfScan:
    known = {"seed": 1, "scanner": "scanner 1.07, +35 HU", "kvp": 120.0, "pose": "tilted", "found": True}
    measured = {"slope_percent": 0.5, "errors_mg_cm3": (-1.0, 0.0, 1.0), "within": True}
    return CalibrationOfScan(**{**known, **measured, **changes})


def test_rows_are_all_scans_and_those_of_each_scanner_voltage_and_pose():
    lines = table([scan(), scan(slope_percent=-1.5, within=False), scan(found=False, kvp=80.0)]).splitlines()
    rows = {cells[1]: cells[2:-1] for cells in ([cell.strip() for cell in line.split("|")] for line in lines[2:])}
    assert list(rows) == ["all", "scanner 1.07, +35 HU", "120 kVp", "80 kVp", "tilted"]
    assert rows["all"] == ["2 of 3", "−0.50 ± 1.00", "1.50", "+0.00 ± 0.82", "1.00", "2.00", "1 of 2"]
    assert rows["80 kVp"] == ["0 of 1", *["–"] * 6]


@pytest.mark.slow
def test_scans_are_made_and_measured(capsys):
    assert main(["-n", "1", "--seed", "25", "--jobs", "1"]) == 0
    assert "| all | 1 of 1 |" in capsys.readouterr().out
