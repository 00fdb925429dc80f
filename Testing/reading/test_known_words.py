"""Texts from a scanner: what is known stays, whatever else was typed goes."""

from __future__ import annotations

import pytest

from OpportunisticBMDLib.reading.facts.identifying import holds_identity
from OpportunisticBMDLib.reading.facts.known_words import known_agent, known_in_series, known_kernel, known_scanner


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("Thorax 1.0 B30f Li Bo", "Thorax 1.0 B30f"),
        ("Muller abdomen", "abdomen"),
        ("15.05.1938 Thorax", "Thorax"),
        ("1.5.38 thorax", "thorax"),
        ("15 05 38 Thorax", "Thorax"),
        ("acc A2020-55512", None),
        ("1938 S. Mueller", None),
        ("Li, Bo 62Y thorax", "thorax"),
        ("Thorax^01_ThoraxRoutine (Adult)", "Thorax Adult"),
        ("Abd/Pelvis 5.0/2.5 portal venous", "Abd Pelvis 5.0/2.5 portal venous"),
        ("W/O CONTRAST", "W/O CONTRAST"),
        ("DE_Abdomen 1.5 D30f M_0.6", "Abdomen 1.5 D30f M_0.6"),
        ("Mono 40 keV", "Mono 40 keV"),
        ("\x1b[2J Thorax\n", "Thorax"),
        ("", None),
    ],
)
def test_descriptions(typed, known):
    assert known_in_series(typed) == known


@pytest.mark.parametrize(
    "name",
    [
        "STANDARD", "B30f", "Br40f 3", "FC08-H", "FC18", "BONEPLUS", "LUNG", "YA", "B", "22", "B_SHARP_C", "Sd36f 3",
        "I31f 3", "STND", "SOFT", "Qr40d", "SA",
    ],
)  # fmt: skip
def test_kernels_of_all_makers_stay_as_they_are(name):
    assert known_kernel(name) == name


@pytest.mark.parametrize(
    ("typed", "known"),
    [("B30 4711-B", "B30"), ("erika", None), ("Li 15 05 38", None), ("STANDARD 19380515", "STANDARD")],
)
def test_kernels_with_more(typed, known):
    assert known_kernel(typed) == known


@pytest.mark.parametrize(
    "name",
    [
        "SIEMENS SOMATOM Definition AS+", "GE MEDICAL SYSTEMS LightSpeed VCT", "TOSHIBA Aquilion ONE",
        "Canon Medical Systems Aquilion Prime SP", "UIH uCT 760", "Siemens Healthineers NAEOTOM Alpha",
        "GE MEDICAL SYSTEMS Optima CT660", "Philips Brilliance 64", "SIEMENS Sensation 16", "SIEMENS Biograph64",
        "GE MEDICAL SYSTEMS Revolution CT", "PHILIPS MX8000 IDT 16", "Hitachi SCENARIA",
    ],
)  # fmt: skip
def test_scanners_of_all_makers_stay_as_they_are(name):
    assert known_scanner(name) == name


def test_scanners_with_more():
    assert known_scanner("SIEMENS of Dr. Mueller, born 15.05.1938") == "SIEMENS"
    assert known_scanner("ward 4711-B") is None


def test_what_is_on_a_list_and_the_patients_name_goes_too():
    assert known_in_series("Thorax Herz 1.0", ("herz", "anna")) == "Thorax 1.0"
    assert known_agent("Omnipaque for Dr. Li") == "Omnipaque"


@pytest.mark.parametrize(
    "name",
    [
        "Mueller", "Muller_ct", "MÜLLER", "CT-müller-1", "xmuellerx", "Li_thorax", "scan.li", "15.05.1938",
        "1938-05-15", "19380515_ct", "A2020-555120", "Doe^Jane", "Roe, Jane", "1.2.840.113619.2.55",
    ],
)  # fmt: skip
def test_names_of_files_that_tell_the_patient(name):
    assert holds_identity(name, ("müller", "li", "4711"))


@pytest.mark.parametrize("name", ["ct.nii.gz", "thorax-5mm", "case-0001.zip", "series 3", "Abdomen_2.5", "olive.nrrd"])
def test_names_of_files_that_do_not(name):
    assert not holds_identity(name, ("müller", "li"))
