"""The two sentences for a radiologist's own report."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from example_results import EXAMPLES, LINE, acquisition, former, normal, osteoporosis, refused, result_of, review
from example_trust import contrast_corrected, contrast_named, given_line, in_scan_phantom, registry_line, tissue_line
from OpportunisticBMDLib.calibration.lines import line_at, line_for
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.results.report_text import DEFAULT_TEMPLATE, PLACEHOLDERS, check_template, report_text

OWN_LINE = replace(LINE, name="Doe's scanner", source="measured on a phantom by Doe")


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=\.) (?=[A-Z])", text)


def test_a_measured_ct_is_said_as_a_radiologist_would():
    assert report_text(replace(osteoporosis(), calibration=line_for(120.0))) == (
        "Opportunistic bone densitometry: trabecular bone mineral density, mean of L1 and L2, is 63.8 mg/cm³ HA (95 % "
        "interval 55.3 to 72.4), read as QCT does on a CT that was made for another reason, calibrated by a line "
        "computed for 120 kVp, without a phantom. This is in the range of osteoporosis by the ACR's thresholds for QCT "
        "(80 and 120 mg/cm³); for research, not diagnosis."
    )


def test_a_normal_density_rules_nothing_out():
    assert "above the range of osteopenia" in report_text(normal())
    assert "which does not rule out low bone density" in report_text(normal())


def test_the_caution_is_the_one_on_the_whole_scan_and_says_that_there_are_more():
    assert report_text(review()).endswith(
        "; caution (one of 2): contrast agent is seen in the aorta (399 HU), which raises the density by about 2 to 5 "
        "mg/cm³."
    )


def test_of_a_caution_in_several_sentences_the_first_is_taken():
    message = "T12 replaces L2 in the mean. Thoracic bodies read higher than lumbar ones."
    text = report_text(replace(review(), reasons=(Reason("t12_substituted", "warning", message, "L2"),)))
    assert text.endswith("; caution: T12 replaces L2 in the mean.")


def test_a_fracture_comes_before_all_else_and_is_told_of_a_refusal_too():
    message = "L1 looks compressed: its front has lost about 31% of its height (grade 2 of Genant). Look at the slices."
    fracture = Reason("compressed", "warning", message, "L1")
    told = "L1 looks compressed: its front has lost about 31% of its height (grade 2 of Genant)"
    text = report_text(replace(review(), reasons=(*review().reasons, fracture)))
    assert text.endswith(f"; caution (one of 3): {told}.")
    assert f"are covered; {told}. For research" in report_text(
        replace(refused(), reasons=(*refused().reasons, fracture))
    )


def test_a_note_is_no_caution():
    assert "caution" not in report_text(replace(normal(), reasons=(review().reasons[0],)))


def test_a_refusal_says_that_there_is_no_density_and_why():
    assert report_text(refused()) == (
        "No trustworthy bone mineral density can be given from this CT: the CT ends 12 mm below the upper edge of L1, "
        "so fewer than two of T12, L1 and L2 are covered. For research, not diagnosis."
    )


def test_a_density_on_the_former_scale_is_given_to_nobody():
    text = report_text(former())
    assert "152.3" not in text and "has to be measured again" in text


def test_the_scanners_own_line_and_ones_own_thresholds_are_named():
    chosen = replace(osteoporosis(), calibration=OWN_LINE, thresholds=Thresholds(90.0, 130.0, "K2HPO4"))
    text = report_text(chosen)
    assert "calibrated by a line that was given for this scanner" in text and "phantom" not in text
    assert "the thresholds chosen here (90 and 130 mg/cm³ K2HPO4)" in text


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (in_scan_phantom, "calibrated by a phantom in the same scan."),
        (tissue_line, "calibrated by the patient's own tissues, without a phantom."),
        (registry_line, "calibrated by a line that a phantom measured on this scanner or its model."),
        (given_line, "calibrated by a line that was given for this scanner."),
        (contrast_corrected, "its model, 18 mg/cm³ taken off for portal venous contrast."),
        (contrast_named, "calibrated by a line computed for 120 kVp, without a phantom."),
    ],
)
def test_the_line_and_what_was_taken_off_are_told(make, words: str):
    assert words in report_text(make())


def test_an_interval_that_is_not_known_is_said_to_be():
    assert "(95 % interval not known)" in report_text(replace(normal(), bmd_sd_mg_cm3=None))


def test_a_monoenergetic_image_has_a_line_of_its_energy():
    assert "a line computed for 70 keV, without a phantom" in report_text(replace(normal(), calibration=line_at(70.0)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_two_sentences(name: str):
    assert len(sentences(report_text(EXAMPLES[name]()))) == 2


def test_nothing_tells_who_the_patient_is():
    known = acquisition(path="/cts/Doe_Jane_1950-01-02/ct.nii.gz", series_instance_uid="1.2.840.113619.2.55")
    every = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    for example in EXAMPLES.values():
        text = report_text(replace(example(), acquisition=known, calibration=OWN_LINE), every)
        assert not any(part in text for part in ("Doe", "1950", "ct.nii", "1.2.840"))


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_every_placeholder_says_something_of_a_result_with_a_warning(name: str):
    text = report_text(review(), f"<{{{name}}}>")
    assert text.startswith("<") and text.endswith(">") and len(text) > 2 and "{" not in text


@pytest.mark.parametrize("template", ["Density {bdm}.", "{patient}", "{}", "{bmd:.3f}", "{bmd!r}", "{bmd.real}", "{0}"])
def test_what_a_text_cannot_hold_is_named_beside_what_it_can(template: str):
    with pytest.raises(
        ValueError, match=r"^The text for the report cannot hold \{.*\}; it can hold \{vertebrae\}, \{bmd\}"
    ):
        report_text(result_of(), template)


@pytest.mark.parametrize("template", ["Density {bmd", "Density bmd}"])
def test_a_single_brace_is_a_sentence(template: str):
    with pytest.raises(ValueError, match="has a single brace"):
        check_template(template)


def test_braces_written_twice_are_text():
    assert report_text(normal(), "{{{bmd}}}") == "{152.3}"
    check_template(DEFAULT_TEMPLATE)
