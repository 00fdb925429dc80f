"""The report stands alone, says what was found, and trusts no text from outside."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from example_results import EXAMPLES, acquisition, former, normal, osteoporosis, refused, review
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.results.report import render_report

PICTURE = b"\x89PNG a picture"
VOID = {"meta", "img", "rect", "line", "path", "br"}


class Page(HTMLParser):
    """Collects tags, attributes and visible text, and checks that tags are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_is_whole_and_needs_nothing_else(name):
    html = render_report(EXAMPLES[name](), PICTURE)
    page = Page(html)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[^\"]*", "", html))
    assert not {"script", "link", "iframe", "a"} & set(page.tags)
    assert dict(page.attributes)["src"] == "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    assert "For research, not diagnosis." in page.text
    assert not re.search(r"\bNone\b|\bnan\b|Undefined", page.text)


def test_headline_interval_and_category():
    text = Page(render_report(osteoporosis(), PICTURE)).text
    assert "63.8 mg/cm³ HA" in text
    assert "Osteoporosis (below 80 mg/cm³)" in text
    assert "95 % interval 55.3 to 72.4 mg/cm³" in text  # 63.84 -+ 1.96 x 4.37
    assert "Mean of L1 and L2" in text


def test_both_scales_are_named_and_what_they_mean():
    text = Page(render_report(osteoporosis(), PICTURE)).text
    assert "63.8 mg/cm³ HA (K2HPO4 61.8)" in text  # 3.1 % less
    assert "A QCT reading in the middle 9 mm of each body" in text and "European Spine Phantom" in text
    assert "0 is water at 120 kVp" in text and "uncertainty of the line (SD) 4.0 % and 2.9 HU" in text


def test_what_was_read_stands_beside_the_whole_mask():
    text = Page(render_report(normal(), PICTURE)).text
    assert "197 ± 38" in text and "217 ± 44" in text  # HU of L1's region and of its mask
    assert "154.0 ± 6.0 (K2HPO4 149.2)" in text


def test_a_former_result_is_said_to_be_one_and_has_no_k2hpo4():
    text = Page(render_report(former(), PICTURE)).text
    assert "152.3 mg/cm³ HA, former scale" in text and "On the former scale" in text and "measure the CT again" in text
    assert "(K2HPO4 1" not in text and "middle 9 mm" not in text


def test_thresholds_of_k2hpo4_are_named():
    result = replace(normal(), thresholds=Thresholds(material="K2HPO4"))
    text = Page(render_report(result, PICTURE)).text
    assert "Normal (above 120 mg/cm³ K2HPO4)" in text and "in mg/cm³ of K2HPO4" in text


def test_the_mark_stands_where_the_value_is():
    html = render_report(normal(), PICTURE)
    x = float(re.search(r'<path d="M ([\d.]+) ', html).group(1))
    assert x / 640 * 220 == pytest.approx(152.31)


def test_own_thresholds_are_named():
    result = replace(normal(), thresholds=Thresholds(70.0, 155.0), category="osteopenia")
    text = Page(render_report(result, PICTURE)).text
    assert "Osteopenia (70 to 155 mg/cm³)" in text and "osteoporosis below 70" in text


def test_a_review_shows_its_reasons_and_what_is_missing():
    text = Page(render_report(review(), PICTURE)).text
    assert "please review" in text and "Contrast agent is seen in the aorta" in text
    assert "Tube voltage not stated" in text and "not measurable" in text
    assert text.index("Warning:") < text.index("Note:")


def test_a_refusal_gives_the_reason_and_no_number():
    html = render_report(replace(refused(), bmd_mg_cm3=101.0, category="osteopenia"), PICTURE)
    text = Page(html).text
    assert "Why it was not measured" in text and "12 mm below the upper edge of L1" in text
    assert "101" not in text and "<svg" not in html


def test_hostile_text_stays_text():
    evil = '<script>alert("x")</script>"><img src=x onerror=alert(1)>{{ 7 * 7 }}'
    result = replace(
        review(),
        acquisition=acquisition(path=evil, kernel=evil, contrast_agent=evil, scanner=evil, series_description=evil),
        reasons=(Reason("contrast_agent", "warning", evil),),
        models={"bmd": {"name": evil, "sha256": evil}},
    )
    page = Page(render_report(result, PICTURE))
    assert "script" not in page.tags and page.tags.count("img") == 1
    assert "onerror" not in dict(page.attributes)
    assert '<script>alert("x")</script>' in page.text and "{{ 7 * 7 }}" in page.text
