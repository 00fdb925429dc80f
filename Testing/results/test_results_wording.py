"""How sure the names of the vertebrae are, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from example_levels import NO_RIB, RIB, STUMP, UNSEEN_RIB, sure, unsure
from example_results import normal, refused
from OpportunisticBMDLib.core.levels import Answer, Levels
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.uncertainty import Uncertainty
from OpportunisticBMDLib.results.wording import (
    interval,
    levels_sentence,
    levels_short,
    phantom_gain,
    rib,
    unsure_because,
)

NOT_MEASURED = "Not sure: T12 to L2 as named 71 %; one vertebra higher 27 %."
ONE_RIB = {"T12": replace(sure().vertebrae[1], left=UNSEEN_RIB)}


def with_ribs(levels: Levels, changes: dict) -> Levels:
    return replace(levels, vertebrae=tuple(changes.get(v.name, v) for v in levels.vertebrae))


def without_any(levels: Levels) -> Levels:
    return replace(levels, vertebrae=tuple(replace(v, right=NO_RIB, left=NO_RIB) for v in levels.vertebrae))


def answered(*answers: Answer) -> Levels:
    return replace(unsure(), answers=answers)


@pytest.mark.parametrize(
    ("levels", "sentence", "short"),
    [
        (
            sure(),
            "Sure (above 99 %): the last ribs join T12, right 7 cm and left 7 cm in view.",
            "Levels sure: the last ribs join T12.",
        ),
        (
            with_ribs(replace(sure(), answers=(Answer(0, 0.96),)), ONE_RIB),
            "Sure (96 %): the last rib joins T12, on the right, 7 cm in view.",
            "Levels sure: the last rib joins T12, on the right.",
        ),
        (
            replace(sure(), vertebrae=sure().vertebrae[:1]),
            "Sure (above 99 %): the last ribs in view join T11, right 7 cm and left 7 cm in view.",
            "Levels sure: the last ribs in view join T11.",
        ),
        (
            replace(without_any(sure()), sacrum_in_view=True),
            "Sure (above 99 %): no ribs are in view, they were counted up from the sacrum.",
            "Levels sure: no ribs are in view, they were counted up from the sacrum.",
        ),
        (
            without_any(sure()),
            "Sure (above 99 %): no ribs are in view, the names are the localizer's.",
            "Levels sure: no ribs are in view, the names are the localizer's.",
        ),
        (unsure(), NOT_MEASURED, "Levels not sure: check the ribs."),
        (
            unsure().moved_by(1),
            "Named by the reader, moved by 1 towards the feet.",
            "Levels moved by the reader.",
        ),
        (
            sure().moved_by(-2),
            "Named by the reader, moved by 2 towards the head.",
            "Levels moved by the reader.",
        ),
        (
            Levels((), ()),
            "Not sure: no spine was made out in which vertebrae could be counted.",
            "Levels not sure: check the ribs.",
        ),
        (answered(Answer(0, 0.9)), "Not sure: T12 to L2 as named 90 %.", "Levels not sure: check the ribs."),
    ],
)
def test_each_case_has_its_sentence(levels, sentence, short):
    assert levels_sentence(levels) == sentence
    assert levels_short(levels) == short


def test_two_likely_answers_are_told_with_their_densities():
    levels = answered(Answer(0, 0.71, 83.14), Answer(2, 0.2, 124.0), Answer(-1, 0.06, 130.0))
    sentence = "Not sure: T12 to L2 as measured 71 %, 83.1 mg/cm³; 2 vertebrae lower 20 %, 124.0 mg/cm³."
    assert levels_sentence(levels) == levels_sentence(levels, Thresholds()) == sentence


def test_where_both_give_the_same_category_it_is_said():
    levels = answered(Answer(0, 0.71, 83.1), Answer(-1, 0.27, 91.0))
    assert levels_sentence(levels, Thresholds()).endswith("91.0 mg/cm³; either way osteopenia.")
    assert "either way" not in levels_sentence(levels, Thresholds(osteoporosis=85.0))
    assert "either way" not in levels_sentence(levels)


def test_one_density_is_not_both():
    assert "either way" not in levels_sentence(answered(Answer(0, 0.71, 83.1), Answer(-1, 0.27)), Thresholds())


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (RIB, "present, 7.5 cm in view"),
        (STUMP, "remnant, 2.3 cm in view"),
        (replace(STUMP, length_mm=0.0), "remnant"),
        (NO_RIB, "absent"),
        (UNSEEN_RIB, "cannot tell"),
    ],
)
def test_what_is_seen_of_a_rib(seen, words):
    assert rib(seen) == words


PARTS = Uncertainty(0.9, 0.5, 0.02, 5.2, 0.0, (90.0, 111.0))


def test_causes_are_told_largest_first_and_those_that_count_nothing_are_not():
    assert unsure_because(replace(normal(), uncertainty=PARTS)) == (
        "calibration 5.2, slices, kernel and masks 0.9, noise 0.5 mg/cm³"
    )
    assert unsure_because(normal()) == unsure_because(replace(refused(), uncertainty=PARTS)) == ""


def test_the_interval_is_the_fitted_one_and_of_earlier_results_1_96_sd():
    assert interval(replace(normal(), uncertainty=PARTS)) == (90.0, 111.0)
    low, high = interval(normal())
    assert (low, high) == pytest.approx((152.31 - 1.96 * 5.04, 152.31 + 1.96 * 5.04))


def test_what_a_phantom_would_buy_is_said_where_it_would():
    """On a line of the registry 3.5 % of 152 mg/cm3 and 2 HU would be left: 5.6 mg/cm3 instead of 12."""
    unsure = replace(PARTS, calibration=12.0, interval_mg_cm3=(128.0, 176.0))
    told = phantom_gain(replace(normal(), uncertainty=unsure))
    assert told.startswith("Known to ±24 mg/cm³") and told.endswith("to about ±11 mg/cm³.")
    measured = replace(normal(), uncertainty=unsure, calibration=replace(normal().calibration, kind="phantom"))
    sure = replace(normal(), uncertainty=PARTS)
    assert phantom_gain(measured) == phantom_gain(sure) == phantom_gain(normal()) == ""
