"""How far a density can be trusted, in a line and in rows: for every way to a line and every answer about contrast."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from example_levels import sure
from example_results import LINE, normal
from example_trust import (
    STATES,
    contrast_corrected,
    contrast_named,
    default_line,
    header_contradicted,
    long_words,
    nothing_known,
    refused,
    registry_line,
)
from OpportunisticBMDLib.core.correction import Correction
from OpportunisticBMDLib.core.levels import Levels
from OpportunisticBMDLib.core.reason import ReasonCode
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.results.trust_words import TITLES, UNIT_WORDS, details, read_mg_cm3, trust_line
from OpportunisticBMDLib.results.wording import levels_by

RIBS = "levels sure by ribs."
COMPUTED, SCANNER = "line for 120 kVp, computed", "phantom line of 12 May 2026"
LINES = {
    "default_line": f"No contrast; {COMPUTED}; {RIBS}",
    "registry_line": f"No contrast; {SCANNER}; {RIBS}",
    "in_scan_phantom": f"No contrast; line of the phantom in this scan; {RIBS}",
    "tissue_line": f"No contrast; line of the patient's own tissues; {RIBS}",
    "given_line": f"No contrast; line given by the user; {RIBS}",
    "contrast_corrected": f"Portal venous contrast: 18 mg/cm³ taken off; {SCANNER}; {RIBS}",
    "contrast_named": f"Portal venous contrast: nothing taken off; {COMPUTED}; {RIBS}",
    "contrast_by_header": f"Contrast of an unknown phase: nothing taken off; {COMPUTED}; {RIBS}",
    "header_contradicted": f"Portal venous contrast (not in the header): 18 mg/cm³ taken off; {SCANNER}; {RIBS}",
    "header_contradicted_native": f"No contrast, though the header states one; {SCANNER}; {RIBS}",
    "nothing_known": f"Contrast not known; {COMPUTED}.",
    "levels_unsure": f"No contrast; {COMPUTED}; levels not sure.",
    "levels_moved": f"No contrast; {COMPUTED}; levels moved by the reader.",
    "long_words": f"Late contrast (not in the header): 10 mg/cm³ taken off; {SCANNER}; levels not sure.",
    "review": "Contrast of an unknown phase: nothing taken off; line for 120 kVp line, computed.",
    "refused": "",
    "former": "",
}


def rows(result: Result, kind: str) -> dict[str, str]:
    return {name: value for detail in details(result) if detail.kind == kind for name, value in detail.rows}


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_line(state: str):
    assert trust_line(STATES[state]()) == LINES[state]


@pytest.mark.parametrize("state", STATES)
def test_every_detail_has_a_title_and_no_row_is_empty(state: str):
    for detail in details(STATES[state]()):
        assert detail.kind in TITLES and detail.rows
        for name, value in detail.rows:
            assert name and value
            assert not re.search(r"\b(None|nan|inf)\b|-\d", f"{name} {value}"), "no figure, or a hyphen as a minus"


def test_the_steps_lead_from_what_was_read_to_what_is_shown():
    result = contrast_corrected()
    assert rows(result, "steps") == {
        "Read": "152.3 mg/cm³",
        "Portal venous contrast": "−17.5 ± 9.5 mg/cm³",
        "Source": "Ruehling 2021 (n = 193)",
        "Shown": "134.8 mg/cm³ HA; 95 % interval 114.8 to 154.8",
    }
    assert read_mg_cm3(result) == pytest.approx(result.bmd_mg_cm3 + 17.5)


def test_where_nothing_was_taken_off_it_says_what_is_left_in():
    told = rows(contrast_named(), "steps")["Portal venous contrast"]
    assert told == "nothing taken off; read about 17.5 mg/cm³ too high"


def test_where_nothing_is_to_be_corrected_that_is_a_step_too():
    assert rows(default_line(), "steps")["Corrected"] == "nothing"


def test_a_correction_upwards_is_no_taking_off():
    added = Correction("beam hardening", 1.1, 0.0, 2.0, True, "a test")
    result = replace(default_line(), correction=added)
    assert "beam hardening: 15 mg/cm³ added" in trust_line(result).lower()
    assert rows(result, "steps")["Beam hardening"] == "+15.2 ± 2.0 mg/cm³"
    named = replace(default_line(), correction=replace(added, is_applied=False))
    assert rows(named, "steps")["Beam hardening"] == "nothing taken off; read about 15.2 mg/cm³ too low"


def test_the_line_is_told_with_its_uncertainty_its_source_and_its_drift():
    told = rows(registry_line(), "line")
    assert told["Taken"] == "phantom line of 12 May 2026"
    assert told["HU per mg/cm³"] == "1.280 ± 1.8 %" and told["HU at 0 mg/cm³"] == "0.0 ± 1.9 HU"
    assert told["Drift"].startswith("−1.2 mg/cm³") and "European Spine Phantom" in told["Source"]
    assert "Drift" not in rows(default_line(), "line")


def test_an_uncertainty_that_is_not_known_is_not_said_to_be_none():
    told = rows(replace(default_line(), calibration=replace(LINE, slope_sd=0.0, intercept_sd_hu=0.0)), "line")
    assert told["HU per mg/cm³"] == "1.280" and told["HU at 0 mg/cm³"] == "0.0 HU"


def test_pixels_and_header_are_told_apart():
    assert rows(header_contradicted(), "contrast") == {
        "In the pixels": "portal venous (99 %)",
        "In the header": "none in the veins",
        "Believed": "the pixels",
        "Organs": "aorta 152, vena cava 148, renal cortex 178, renal medulla 171, spleen 119 HU",
    }
    unknown = {"In the pixels": "cannot be told", "In the header": "not stated"}
    assert rows(nothing_known(), "contrast") == unknown


def test_causes_are_listed_from_the_largest_on_with_what_a_phantom_would_buy():
    told = rows(default_line(), "unsure")
    assert list(told) == [
        "Calibration",
        "Slices, kernel and masks",
        "Place of the region",
        "Noise",
        "Together",
        "With a phantom",
    ]
    assert told["Calibration"] == "11.8 mg/cm³" and told["Together"] == "12.0 mg/cm³"
    assert told["With a phantom"].endswith("to about ±12 mg/cm³.")
    assert "With a phantom" not in rows(registry_line(), "unsure")


def test_findings_come_with_figure_unit_and_limit():
    assert rows(long_words(), "figures") == {
        "Compressed (L2)": "31.2 %, limit 25 %",
        "Metal near (L1)": "1240 mm³, limit 100 mm³",
        "Unusual HU": "−131 HU, limit −125 HU",
        "Vertebrae not found": "0.52, limit 0.6",
    }


def test_every_unit_of_a_reason_is_readable():
    for code in ReasonCode:
        assert re.fullmatch(r"[A-Za-z%°/]*[²³]?|mg/cm³", UNIT_WORDS.get(code.unit or "1", code.unit)), code


def test_a_refusal_gives_no_step_line_or_interval():
    assert {detail.kind for detail in details(replace(refused(), levels=sure()))} == {"levels"}
    with_number = replace(normal(), status="refused", levels=None)
    assert details(with_number) == () and trust_line(with_number) == ""


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (sure(), "levels sure by ribs"),
        (replace(sure(), vertebrae=(), sacrum_in_view=True), "levels sure by the sacrum"),
        (replace(sure(), vertebrae=()), "levels named without ribs"),
        (Levels((), ()), "levels not sure"),
        (sure().moved_by(1), "levels moved by the reader"),
    ],
)
def test_by_what_levels_are_known(levels: Levels, words: str):
    assert levels_by(levels) == words


def test_an_earlier_result_tells_its_contrast_by_the_header():
    assert trust_line(replace(normal(), calibration=LINE)).startswith("No contrast by the header; ")
