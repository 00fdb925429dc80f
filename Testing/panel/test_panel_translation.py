"""What translators are shown: `lupdate` sees nothing but the literals that `_()` is given."""

from __future__ import annotations

import ast

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness
from example_levels import NO_RIB, RIB, STUMP, UNSEEN_RIB
from OpportunisticBMDLib.core.levels import Rib
from OpportunisticBMDLib.results import wording
from OpportunisticBMDPanel.measuring import wording as panel_wording
from OpportunisticBMDPanel.slicer import theme

FILES = sorted(panel_harness.MODULE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(panel_harness.MODULE).as_posix())
def test_what_is_translated_is_a_literal(path):
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("_", "tr"):
            texts = [text for text in call.args if isinstance(text, ast.Constant) and isinstance(text.value, str)]
            assert len(call.args) == len(texts) == 1 and not call.keywords, f"line {call.lineno}: {ast.unparse(call)}"


def test_some_file_is_looked_at_that_translates():
    assert sum("tr as _" in path.read_text(encoding="utf-8") for path in FILES) > 5


@pytest.mark.parametrize("category", theme.SHAPES)
def test_categories_have_words(category: str):
    assert panel_wording.category(category) == category.capitalize()


@pytest.mark.parametrize("severity", wording.SEVERITY_WORDS)
def test_severities_are_worded_as_in_the_report(severity: str):
    assert panel_wording.severity(severity) == wording.SEVERITY_WORDS[severity]


@pytest.mark.parametrize("status", wording.STATUS_EXPLANATIONS)
def test_statuses_are_explained_as_in_the_report(status: str):
    assert panel_wording.status_explanation(status) == wording.STATUS_EXPLANATIONS[status]


@pytest.mark.parametrize("rib", [RIB, STUMP, NO_RIB, UNSEEN_RIB])
def test_ribs_are_worded_as_in_the_report(rib: Rib):
    assert panel_wording.rib(rib) == wording.rib(rib)
