"""How scanners drift, as a table and as a picture."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.image import imread

from OpportunisticBMDLib.scanners.drift_plot import write_drift_plot
from OpportunisticBMDLib.scanners.measurement import Measurement, alike
from OpportunisticBMDLib.scanners.words import drifting, listed
from phantom_lines import line_of_day


def of_days(**lines: float) -> list[Measurement]:
    """Slope of each month of 2026, in the order given."""
    return [
        Measurement(number, line_of_day(f"2026-{month[1:]}-01", slope))
        for number, (month, slope) in enumerate(lines.items(), start=1)
    ]


def test_lines_stand_under_their_scanner_and_technique_oldest_first():
    measurements = [*of_days(m05=1.32, m02=1.31), Measurement(3, line_of_day("2026-03-01", 1.2, kvp=100.0))]
    hundred, one, twenty, *rest = listed(measurements)
    assert (hundred, twenty) == (
        "Canon Aquilion ONE (4f1c22), 100 kVp, FC12",
        "Canon Aquilion ONE (4f1c22), 120 kVp, FC12",
    )
    assert one.split()[:2] == ["3", "2026-03-01"]
    assert [row.split()[:2] for row in rest] == [["2", "2026-02-01"], ["1", "2026-05-01"]]


def test_the_table_reads_every_line_by_the_first():
    ((names, series),) = alike(of_days(m01=1.30, m02=1.31, m03=1.36)).items()
    _, _, *rows, verdict = drifting(*names, series)
    assert [row.split()[11] for row in rows] == ["100.0", "100.8", "104.6"]
    assert verdict == (
        "Moved by +3.8 mg/cm³ at 100 since the scan before, more than the least significant change of 2.5: "
        "scan the phantom again."
    )


def test_a_small_step_is_none_and_a_single_scan_tells_nothing():
    ((names, series),) = alike(of_days(m01=1.30, m02=1.31)).items()
    assert "+0.8 mg/cm³ at 100 since the scan before, less than" in drifting(*names, series)[-1]
    assert drifting(*names, series[:1])[-1] == "A single scan tells no drift."


def test_the_picture_shows_the_band_and_every_scanner(tmp_path):
    measurements = of_days(m01=1.30, m02=1.31, m03=1.36)
    write_drift_plot(tmp_path / "one.png", {"one": measurements})
    write_drift_plot(tmp_path / "both.png", {"one": measurements, "other": of_days(m01=1.4, m03=1.5)})
    one, both = (imread(tmp_path / name)[..., :3] for name in ("one.png", "both.png"))
    band = np.isclose(one, 0.9, atol=0.01).all(axis=-1)
    assert band.sum() > 10_000
    orange = [(np.abs(picture - (1.0, 0.5, 0.05)) < 0.03).all(axis=-1).sum() for picture in (one, both)]
    assert orange[0] == 0 and orange[1] > 200


@pytest.mark.parametrize("days", [[None], []])
def test_a_picture_without_days_is_empty_yet_there(tmp_path, days):
    measurements = [Measurement(1, line_of_day(day)) for day in days]
    write_drift_plot(tmp_path / "drift.png", {"undated": measurements})
    assert imread(tmp_path / "drift.png").shape[2] == 4
