"""The curves of a fit, from the logs of all its starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from OpportunisticBMDTraining.fit.curves import load_curves


def write_log(folder: Path, version: int, rows: str) -> None:
    path = folder / f"log/version_{version}/metrics.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rows)


def test_a_later_start_overrules_an_earlier_one_from_its_first_step_on(tmp_path):
    write_log(tmp_path, 0, "loss,step\n3.0,0\n2.0,1\n9.0,2\n")
    write_log(tmp_path, 1, "dice_L1,loss,step\n,1.5,2\n,1.0,3\n0.9,,3\n")
    assert load_curves(tmp_path) == {"dice_L1": {4: 0.9}, "loss": {1: 3.0, 2: 2.0, 3: 1.5, 4: 1.0}}


def test_starts_are_ordered_by_number(tmp_path):
    for version in (2, 10):
        write_log(tmp_path, version, f"loss,step\n{version}.0,0\n")
    assert load_curves(tmp_path) == {"loss": {1: 10.0}}


@pytest.mark.parametrize(
    ("log", "curve"), [("", None), ("step,lo", None), ("step,loss\n", None), ("step,loss\n0,3.5\n1,2.", {1: 3.5})]
)
def test_a_line_that_a_killed_start_did_not_end_is_no_part_of_the_curve(tmp_path, log, curve):
    write_log(tmp_path, 0, log)
    assert load_curves(tmp_path).get("loss") == curve


def test_a_run_without_a_log_has_no_curves(tmp_path):
    assert load_curves(tmp_path) == {}


def test_a_window_can_read_them_without_the_packages_of_a_fit():
    heavy = "{'torch', 'lightning', 'matplotlib', 'numpy'}"
    code = f"import sys, OpportunisticBMDTraining.fit.curves; sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
