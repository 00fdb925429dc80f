"""The page about cohorts names what there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from OpportunisticBMDLib.cohort.in_list import COLUMNS
from OpportunisticBMDLib.cohort.report import outliers
from OpportunisticBMDLib.cohort.row import STATUSES, Row

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cohort.md").read_text(encoding="utf-8")


def test_every_column_status_and_rule_is_on_the_page():
    words = set(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", PAGE))
    assert {field.name for field in fields(Row)} | set(STATUSES) | set(COLUMNS) <= words
    rules = {line.split("|")[1].strip() for line in PAGE.partition("| rule |")[2].splitlines() if line.startswith("|")}
    assert {rule.__doc__ is not None for rule in outliers.RULES} == {True}
    assert len(rules - {"---", ""}) == len(outliers.RULES)
