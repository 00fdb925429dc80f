"""The report as a PDF."""

from __future__ import annotations

from dataclasses import replace

import pytest

from example_results import EXAMPLES, grid_of, review, synthetic_case
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.results import report_pdf
from OpportunisticBMDLib.results.preview import as_png, draw_preview
from OpportunisticBMDLib.results.report_pdf import render_pdf
from OpportunisticBMDLib.results.report_text import report_text


@pytest.fixture(scope="module")
def picture() -> bytes:
    return as_png(draw_preview(*synthetic_case(grid_of("straight")), review()))


def pages_of(pdf: bytes) -> int:
    return pdf.count(b"/Type /Page ")


def words_of(result, picture, monkeypatch) -> str:
    """What stands on the sheets, line by line."""
    lines, write = [], report_pdf._write

    def noted(sheet, x, y, words, *style):
        lines.append(words)
        assert 0 < x < report_pdf.WIDTH and 0 < y < report_pdf.HEIGHT
        write(sheet, x, y, words, *style)

    monkeypatch.setattr(report_pdf, "_write", noted)
    render_pdf(result, picture)
    return " ".join(lines)


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_a_document_with_all_sentences(name, picture, monkeypatch):
    result = EXAMPLES[name]()
    words = words_of(result, picture, monkeypatch)
    assert report_text(result) in words and "For research, not diagnosis." in words
    for reason in result.reasons:
        assert reason.message in words
    pdf = render_pdf(result, picture)
    assert pdf.startswith(b"%PDF") and pdf.rstrip().endswith(b"%%EOF")


def test_many_reasons_need_more_sheets(picture):
    many = tuple(Reason("noisy", "warning", f"Reason {n}. " + "Noise makes the mean inexact. " * 8) for n in range(40))
    assert pages_of(render_pdf(replace(review(), reasons=many), picture)) >= 4


def test_what_looks_like_formulas_is_written_as_it_is(picture, monkeypatch):
    odd = replace(review(), reasons=(Reason("noisy", "info", "It costs $\\frac{1}$ and _more_."),))
    assert "$\\frac{1}$ and _more_" in words_of(odd, picture, monkeypatch)
