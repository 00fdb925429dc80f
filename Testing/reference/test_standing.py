"""A result among people of the patient's age: the same vertebrae, a Z-score only where an SD was published."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from example_results import former, normal, osteoporosis, refused, review, vertebra
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.standing import Person
from OpportunisticBMDLib.reference import with_standing
from OpportunisticBMDLib.results.json_file import as_json, result_from_json
from OpportunisticBMDLib.results.report import render_report
from OpportunisticBMDLib.results.standing_words import standing_line

WOMAN = Person(63, "female")


def test_l1_is_held_against_l1_and_the_mean_against_the_mean():
    china, l1 = with_standing(osteoporosis(), WOMAN).standing.peers
    assert (china.bmd_mg_cm3, china.read_in, china.who) == (pytest.approx(63.85), "L1 and L2", "women of 63 years")
    assert (l1.bmd_mg_cm3, l1.read_in, l1.who) == (65.2, "L1", "men and women of 63 years")
    assert china.z_score is None
    assert l1.z_score == pytest.approx((65.2 - l1.mean_mg_cm3) / l1.sd_mg_cm3)
    assert l1.z_score == pytest.approx(-1.6, abs=0.05)


def test_t12_stands_in_for_no_lumbar_vertebra():
    result = replace(normal(), vertebrae={**normal().vertebrae, "L1": vertebra(None)}, vertebrae_used=("T12", "L2"))
    (china,) = with_standing(result, WOMAN).standing.peers
    assert (china.read_in, china.bmd_mg_cm3) == ("L2", 150.6)
    neither = replace(result, vertebrae={**result.vertebrae, "L2": vertebra(None)})
    assert with_standing(neither, WOMAN).standing.peers == ()


@pytest.mark.parametrize("result", [refused(), former()])
def test_without_a_density_of_qct_there_is_nothing_to_compare(result):
    assert with_standing(result, WOMAN).standing is None
    assert as_json(with_standing(result, WOMAN))["reference"] is None


def test_nothing_is_told_that_nobody_asked_for():
    assert with_standing(with_standing(normal(), WOMAN), None).standing is None
    assert as_json(normal())["reference"] is None and standing_line(normal()) == ""


def test_an_age_beyond_90_is_written_as_90():
    document = as_json(with_standing(normal(), Person(97, "male")))
    assert document["reference"]["age_years"] == 90 and "97" not in json.dumps(document["reference"])


@pytest.mark.parametrize("age", [-1, 131])
def test_an_age_that_nobody_has_is_refused(age):
    with pytest.raises(ValueError, match=str(age)):
        Person(age, "male")


def test_it_is_read_back_as_it_was_written():
    written = as_json(with_standing(review(), Person(45, "male")))
    assert as_json(result_from_json(json.loads(json.dumps(written)))) == written


@pytest.mark.parametrize(
    "change", [{"age_years": 200}, {"sex": "x"}, {"peers": [{"population": "a"}]}, {"peers": None}, {"age_years": "63"}]
)
def test_a_file_that_holds_what_cannot_be_is_refused(change):
    document = as_json(with_standing(normal(), WOMAN))
    with pytest.raises(BadInput):
        result_from_json({**document, "reference": {**document["reference"], **change}})


def test_the_sentence_names_score_population_and_age():
    line = standing_line(with_standing(osteoporosis(), WOMAN))
    assert line == (
        "Z-score −1.6 (L1 of 20,374 adults, men and women of 63 years); mean of women of 63 years 111 mg/cm³ HA "
        "(China Biobank)."
    )
    assert "12 years" in standing_line(with_standing(normal(), Person(12, "female")))


def test_the_report_shows_the_curves_with_their_sources_and_no_t_score():
    page = render_report(with_standing(osteoporosis(), WOMAN), b"")
    assert "Z-score −1.6" in page and "Radiology 291:360" in page and "straight line" in page
    assert page.count("<polyline") == 2 and page.count("<polygon") == 1 and "no T-score" in page
    assert "Among people" not in render_report(osteoporosis(), b"")


def test_in_the_report_a_child_has_a_sentence_and_no_curve():
    page = render_report(with_standing(normal(), Person(12, "male")), b"")
    assert "No reference curve is known for these vertebrae at an age of 12 years." in page and "<polyline" not in page
