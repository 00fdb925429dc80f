"""The check list for a person with Slicer in hand: each step says which test runs it without the application."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTING = Path(__file__).parents[1]
CHECKLIST = (TESTING / "CHECKLIST.md").read_text(encoding="utf-8")
COLUMNS = 4  # number, what to do, what to see, what covers it
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in CHECKLIST.splitlines() if line[:1] == "|"]
STEPS = [row for row in ROWS if row[0].isdigit()]


def test_steps_are_numbered_one_after_the_other():
    assert [int(row[0]) for row in STEPS] == list(range(1, len(STEPS) + 1)) and len(STEPS) > 30


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[0])
def test_a_step_says_which_test_covers_it_or_that_none_does(step):
    assert len(step) == COLUMNS
    names = re.findall(r"`([\w/]+\.py)`", step[-1])
    assert names or step[-1].startswith("no")
    for name in names:
        assert "\ndef test_" in (TESTING / name).read_text(encoding="utf-8"), f"{name} holds no test"
