"""The report stands alone, says what was found, and trusts no text from outside."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from example_levels import sure, unsure
from example_results import EXAMPLES, acquisition, former, normal, osteoporosis, refused, review
from example_trust import STATES, contrast_corrected
from OpportunisticBMDLib.core.levels import Answer, Variant
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


def test_the_line_of_trust_stands_below_the_number_and_its_figures_in_a_section():
    text = Page(render_report(contrast_corrected(), PICTURE)).text
    line = "Portal venous contrast: 18 mg/cm³ taken off; phantom line of 12 May 2026; levels sure by ribs."
    assert text.index("Mean of L1 and L2") < text.index(line) < text.index("How far to trust it")
    assert "Portal venous contrast −17.5 ± 9.5 mg/cm³" in text and "Shown 134.8 mg/cm³ HA" in text
    assert "Together 10.2 mg/cm³" in text and "Believed the pixels" in text


def test_every_state_of_trust_gives_a_whole_page():
    for make in STATES.values():
        page = Page(render_report(make(), PICTURE))
        assert not re.search(r"\bNone\b|\bnan\b|Undefined", page.text)
        assert ("How far to trust it" in page.text) is (make().status != "refused")


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


def test_the_levels_are_told_with_their_evidence():
    text = Page(render_report(replace(normal(), levels=sure()), PICTURE)).text
    assert "Levels Sure (above 99 %): the last ribs join T12" in text
    assert "L1 is the first vertebra without ribs of 4 cm (VerSe 2020)." in text
    assert "T12 present, 7.5 cm in view present, 7.5 cm in view L1 absent absent" in text
    assert "lines are the ribs that were counted" in text


def test_unsure_levels_give_both_answers():
    levels = replace(unsure(), answers=(Answer(0, 0.71, 83.1), Answer(-1, 0.27, 91.0)))
    text = Page(render_report(replace(normal(), levels=levels), PICTURE)).text
    assert "T12 to L2 as measured 71 %, 83.1 mg/cm³; one vertebra higher 27 %, 91.0 mg/cm³; either way osteop" in text
    assert "T12 cannot tell remnant, 2.3 cm in view" in text
    refusal = Page(render_report(replace(refused(), levels=levels.with_bmd(None)), PICTURE)).text
    assert "T12 to L2 as named 71 %; one vertebra higher 27 %." in refusal and "83.1" not in refusal


def test_an_unusual_spine_is_named_and_the_lowest_vertebra_is_listed():
    levels = replace(sure(), variant=Variant.ELEVEN_RIBS, sacrum_in_view=True)
    text = Page(render_report(replace(normal(), levels=levels), PICTURE)).text
    assert "Six vertebrae without ribs lie above the sacrum" in text and "L3, on the sacrum absent absent" in text
    nothing = Page(render_report(replace(normal(), levels=replace(levels, vertebrae=())), PICTURE))
    assert "Not sure: no spine" in nothing.text and "Right rib" not in nothing.text


def test_without_levels_there_is_no_such_section():
    text = Page(render_report(normal(), PICTURE)).text
    assert "Levels" not in text and "ribs" not in text


def test_a_model_that_an_older_result_lacks_was_not_used():
    result = normal()
    older = {stage: model for stage, model in result.models.items() if stage != "skeleton"}
    assert "Skeleton not used" in Page(render_report(replace(result, models=older), PICTURE)).text
    assert "Skeleton skeletonnet" in Page(render_report(result, PICTURE)).text


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
