"""A scanner's line that is old, or that moved."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from example_results import acquisition
from OpportunisticBMDLib import quality
from OpportunisticBMDLib.calibration.drift import LEAST_SIGNIFICANT_MG_CM3, moved_mg_cm3, reading_on
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.contrast import Contrast
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.reason import Figure, Reason
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.surroundings import Surroundings
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality import SeenScan

GRID = Grid.axis_aligned((8, 8, 8), (0.8, 0.8, 2.5))


def said(*, scanned_on: str | None = "2026-06-01", **facts: object) -> list[Reason]:
    ct, labels = Volume(np.zeros(GRID.size, np.int16), GRID), Volume(np.zeros(GRID.size, np.uint8), GRID)
    line = Calibration("own", "HA", 1.3, 5.0, "measured", **{"kind": "scanner", "measured_on": "2026-05-12"} | facts)
    around = Surroundings(line, Contrast())
    scan = SeenScan(ct, Segmentation(labels, {}), acquisition(scanned_on=scanned_on), around=around)
    return [reason for reason in quality.cautions(scan) if reason.code.value.startswith("line_")]


@pytest.mark.parametrize(
    ("measured_on", "severity", "words"),
    [
        ("2026-05-12", None, ""),
        ("2025-06-02", None, ""),
        ("2025-05-30", "info", "lies more than a year from this scan"),
        ("2027-07-01", "info", "lies more than a year from this scan"),
        ("2024-06-03", "info", "lies more than a year from this scan"),
        ("2024-05-20", "warning", "lies more than two years from this scan"),
    ],
)
def test_a_line_is_as_old_as_it_lies_from_the_scan(measured_on, severity, words):
    reasons = said(measured_on=measured_on)
    assert [(reason.code, reason.severity) for reason in reasons] == ([("line_old", severity)] if severity else [])
    assert all(words in reason.message for reason in reasons)


@pytest.mark.parametrize("scanned_on", [None, "2016-03"])
def test_from_today_where_the_day_of_the_scan_is_not_known(scanned_on):
    long_ago = (date.today() - timedelta(days=400)).isoformat()
    (reason,) = said(measured_on=long_ago, scanned_on=scanned_on)
    assert reason.severity == "info" and "more than a year from today" in reason.message
    assert said(measured_on=date.today().isoformat(), scanned_on=scanned_on) == []


def test_no_reason_tells_when_the_patient_was_scanned():
    (reason,) = said(measured_on="2020-01-01", scanned_on="2026-06-17")
    assert "2020-01-01" in reason.message and "2026" not in reason.message and reason.figure is None


@pytest.mark.parametrize("facts", [{"measured_on": None}, {"kind": "internal", "measured_on": "2016-01-01"}])
def test_a_line_without_a_day_or_of_no_phantom_is_not_old(facts):
    assert said(**facts) == []


@pytest.mark.parametrize(("moved", "count"), [(None, 0), (2.4, 0), (-2.4, 0), (2.6, 1), (-9.0, 1)])
def test_a_scanner_that_moved_by_more_than_the_least_significant_change_is_named(moved, count):
    reasons = said(moved_mg_cm3=moved)
    assert [(reason.code, reason.severity) for reason in reasons] == [("line_moved", "warning")] * count
    assert all(reason.figure == Figure(abs(moved), LEAST_SIGNIFICANT_MG_CM3) for reason in reasons)


def test_what_moved_is_the_density_that_a_former_line_would_read_now():
    before = Calibration("before", "HA", 1.25, 0.0, "measured")
    now = Calibration("now", "HA", 1.30, 2.0, "measured")
    assert reading_on(before, now) == pytest.approx(132.0 / 1.25)
    assert moved_mg_cm3(before, now) == pytest.approx(5.6) and moved_mg_cm3(now, now) == 0.0
