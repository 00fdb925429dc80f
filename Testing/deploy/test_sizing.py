"""`opportunistic-bmd-lab sizing`: the table, from a mean or from a cohort's manifest, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from OpportunisticBMDTraining import lab
from OpportunisticBMDTraining.sizing.times import assumed_times, measured_times

REPOSITORY = Path(__file__).resolve().parents[2]


def cells(told: str) -> list[dict[str, str]]:
    header, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines() if "|" in line)
    return [dict(zip(header, row)) for row in rows]


def cohort(folder: Path, *parts: list[tuple[str, float]]) -> Path:
    """The folder of one whose CTs ended so and took so many seconds."""
    pytest.importorskip("pyarrow")
    from OpportunisticBMDLib.cohort.manifest import Manifest
    from OpportunisticBMDLib.cohort.place import Place
    from OpportunisticBMDLib.cohort.row import Row

    with Place(folder).held():
        for rows in parts:
            Manifest(Place(folder).manifest).append(
                [Row(f"ct-{n}", status, seconds=seconds) for n, (status, seconds) in enumerate(rows)]
            )
    return folder


def test_a_row_for_each_number_of_workers_and_what_it_stands_on(capsys):
    words = "--mean-s 3.6 --sd-s 0.001 --ended 0 --ct 20000 --workers 1 40 --gbit 10 --ct-mb 124 --result-mb 1"
    assert lab.main(["sizing", *words.split(), "--start-s", "0.1"]) == 0
    told = capsys.readouterr().out
    one, many = cells(told)
    assert one["CTs an hour"] == "973" and one["held up by"] == "cores"  # 3600 / (3.6 + 0.1)
    assert many["CTs an hour"].startswith("35,9") and many["held up by"] == "the line"
    assert one["cost of a CT"] == "0.000041"  # 3.7 s at 0.04 an hour
    assert "from 37 workers on" in told and "0.02 TB" in told


def test_times_are_those_of_a_cohort_all_its_parts_together(tmp_path, capsys):
    measured = cohort(tmp_path, [("measured", 2.0), ("review", 4.0)], [("failed", 6.0)])
    assert sorted(measured_times(measured).seconds) == [2.0, 4.0, 6.0]
    assert lab.main(["sizing", "--manifest", str(measured), "--ct", "300", "--workers", "2"]) == 0
    assert "4.00 s on one core (SD 1.63 s), as 3 CTs took, 1 of which failed." in capsys.readouterr().out


def test_assumed_times_have_the_mean_and_spread_that_were_asked_for():
    times = assumed_times(5.0, 3.0, np.random.default_rng(1))
    assert times.mean_s == pytest.approx(5.0, rel=0.02) and times.sd_s == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("parts", [[], [[("failed", 0.0)]]])
def test_a_folder_in_which_nothing_was_measured_is_named(parts, tmp_path, capsys):
    assert lab.main(["sizing", "--manifest", str(cohort(tmp_path, *parts))]) == 2
    assert f"No CT was measured in {tmp_path}" in capsys.readouterr().err


def test_nodes_that_never_get_anything_done_are_a_mistake(capsys):
    assert lab.main(["sizing", "--mean-s", "4", "--lost", "0.01", "1"]) == 2
    assert "in hours" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--mean-s", "-1"], ["--mean-s", "4", "--workers", "0"], []])
def test_what_cannot_be_is_wrong_usage(words):
    with pytest.raises(SystemExit) as ended:
        lab.main(["sizing", *words])
    assert ended.value.code == 2


@pytest.mark.slow
def test_the_documentation_shows_what_the_command_prints(capsys):
    page = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
    (words,) = re.findall(r"^opportunistic-bmd-lab (sizing --mean-s .*)$", page, re.MULTILINE)
    shown = re.search(r"^\| workers .*?^\n", page, re.MULTILINE | re.DOTALL)
    assert lab.main(words.split()) == 0
    for told, printed in zip(cells(shown[0]), cells(capsys.readouterr().out), strict=True):
        for column in ("workers", "days", "CTs an hour", "core hours", "cost of a CT"):
            told_value, value = (float(row[column].replace(",", "")) for row in (told, printed))
            assert told_value == pytest.approx(value, rel=0.05), column
