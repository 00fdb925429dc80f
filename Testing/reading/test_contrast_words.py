"""Whether a contrast agent reached the marrow: agent, route, volume and time, and words in several languages."""

from __future__ import annotations

import pytest

from OpportunisticBMDLib.reading.facts.contrast_words import contrast_agent_of, contrast_hint_of, is_oral_only


def agent(text: str, **values: str) -> str | None:
    return contrast_agent_of({"ContrastBolusAgent": text, **values}, ())


def hint(text: str, **values: str) -> str | None:
    return contrast_hint_of({"SeriesDescription": text, **values}, ())


@pytest.mark.parametrize(
    "text",
    [
        "NONE", "no", "N", "NIL", "KEIN KM", "Keine", "OHNE", "ohne KM", "o. KM", "W/O",
        "W/O CONTRAST", "w/o IV contrast", "NON", "Non.", "SANS", "Sans injection", "pas d'injection", "Aucun", "NATIV",
        "native", "UNENHANCED", "NEIN", "NO IV", "0 ml", "OMNIPAQUE 0 ML", "SENZA", "SIN", "sin contraste",
        "Ohne Kontrastmittel", "NOT GIVEN",
        "no contrast administered", "without", "negative", "NON CONTRAST", "NECT",
    ],
)  # fmt: skip
def test_a_no_in_any_words_is_no_agent(text):
    assert agent(text) == ""


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("OMNIPAQUE", "OMNIPAQUE"),
        ("OMNIPAQUE NON IONIC", "OMNIPAQUE NON IONIC"),
        ("NON-IONIC", "NON-IONIC"),
        ("Nonionic 300", "Nonionic 300"),
        ("iomeron 350", "iomeron 350"),
        ("100ML OMNIPAQUE", "100ML OMNIPAQUE"),
        ("OMNIPAQUE 350 NO REACTION", "OMNIPAQUE 350"),
        ("No oral; Omnipaque 350 IV", "Omnipaque 350 IV"),
        ("APPLIED", "APPLIED"),
        ("Yes", "yes"),
        ("CE", "yes"),
        ("Dr. Li's mixture", "yes"),
    ],
)
def test_an_agent_is_one_and_only_its_known_words_are_told(text, known):
    assert agent(text) == known


@pytest.mark.parametrize("text", ["", "unknown", "N/A", "?", "-"])
def test_what_says_nothing_is_unknown(text):
    assert agent(text) is None


@pytest.mark.parametrize(
    "values",
    [
        {"ContrastBolusVolume": "100"}, {"ContrastBolusTotalDose": "80"}, {"ContrastBolusStartTime": "101500"},
        {"ContrastBolusRoute": "Intravenous route"}, {"ContrastBolusIngredient": "IODINE"},
    ],
)  # fmt: skip
def test_an_agent_without_a_name_is_told_by_its_amount_time_route_or_ingredient(values):
    assert agent("", **values) == "yes"


@pytest.mark.parametrize(
    "values", [{"ContrastBolusVolume": "0"}, {"ContrastBolusStartTime": "000000"}, {"ContrastBolusIngredient": "NONE"}]
)
def test_fillers_tell_of_no_agent(values):
    assert agent("", **values) is None


def test_contradictions_are_a_hint():
    planned = {"ContrastBolusAgent": "OMNIPAQUE", "ContrastBolusVolume": "0"}
    assert contrast_agent_of(planned, ()) is None
    assert contrast_hint_of(planned, ()) == "OMNIPAQUE with a volume of 0 ml"
    denied = {"ContrastBolusAgent": "NONE", "ContrastBolusVolume": "100"}
    assert contrast_agent_of(denied, ()) is None and "denied" in (contrast_hint_of(denied, ()) or "")
    assert hint("portal venous", ContrastBolusAgent="NONE") == "portal venous"
    assert hint("portal venous", ContrastBolusAgent="Gastrografin") == "portal venous"


@pytest.mark.parametrize(
    ("text", "route", "oral"),
    [
        ("ORAL", "", True),
        ("ORAL ONLY", "", True),
        ("NO IV, ORAL ONLY", "", True),
        ("Gastrografin", "", True),
        ("water", "", True),
        ("OMNIPAQUE", "ORAL", True),
        ("Iohexol", "RECTAL", True),
        ("", "ORAL", True),
        ("OMNIPAQUE", "", False),
        ("ORAL & IV", "", False),
        ("ORAL/IV", "", False),
        ("IV AND ORAL", "", False),
        ("Omnipaque iv & Gastrografin oral", "", False),
        ("OMNIPAQUE", "ORAL & IV", False),
        ("Gastrografin", "Intravenous", False),
        ("", "", False),
    ],
)
def test_what_is_swallowed_is_not_in_the_veins(text, route, oral):
    assert is_oral_only({"ContrastBolusAgent": text, "ContrastBolusRoute": route}) is oral


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ABD portal venous", "portal venous"),
        ("Abdomen arterial 1.0", "arterial"),
        ("Abd_venös_5.0", "venos"),
        ("Thorax mit KM", "km"),
        ("thorax nach KM", "km"),
        ("ohne und mit KM", "km"),
        ("Thorax +C", "+c"),
        ("Abdomen C+", "c+"),
        ("CT ABD/PELV W/CONTRAST", "contrast"),
        ("W/WO contrast", "contrast"),
        ("TAP IV+", "iv+"),
        ("thorax injecté", "injecte"),
        ("Torace con mdc", "mdc"),
        ("abd. pv-phase", "pv"),
        ("CTA Aorta", "cta"),
    ],
)
def test_a_phase_without_an_agent_is_a_hint(text, words):
    assert hint(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "Thorax 1.0 B30f", "ohne KM", "o. KM", "non contrast", "W/O CONTRAST", "pre contrast", "C-", "nativ", "Native",
        "CT chest without IV contrast", "Thorax sans injection", "Torace senza mdc", "Abdomen sin contraste", "NCCT",
        "unenhanced liver", "low contrast", "5 cm phantom", "Articulation", "Ventral hernia", "Particle", "Cephalic",
        "AIDR 3D enhanced", "Heart", "Early morning",
    ],
)  # fmt: skip
def test_other_words_are_none(text):
    assert hint(text) is None


def test_the_series_own_word_counts_before_that_of_the_study():
    study = {"StudyDescription": "CT Abdomen mit KM"}
    assert hint("nativ", **study) is None and hint("Abdomen 5.0", **study) == "km"
