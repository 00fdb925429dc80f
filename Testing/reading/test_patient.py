"""Age and sex from a header, and none where it was taken out."""

from __future__ import annotations

import pytest

from OpportunisticBMDLib.reading.facts.patient import age_years_of, sex_of


@pytest.mark.parametrize(
    ("header", "years"),
    [
        ({"PatientAge": "063Y"}, 63.0),
        ({"PatientAge": "018M"}, 1.5),
        ({"PatientAge": "010D"}, 10 / 365.25),
        ({"PatientBirthDate": "19500301", "AcquisitionDate": "20200301"}, 70.0),
        ({"PatientBirthDate": "19500301", "StudyDate": "20200301"}, 70.0),
        ({"PatientAge": "063Y", "PatientBirthDate": "19000101", "StudyDate": "20200301"}, 63.0),
        ({"PatientAge": "000Y"}, None),
        ({"PatientBirthDate": "20200301", "StudyDate": "20200301"}, None),
        ({"PatientBirthDate": "18500101", "StudyDate": "20200301"}, None),
        ({"PatientBirthDate": "20300101", "StudyDate": "20200301"}, None),
        ({"PatientAge": "old", "PatientBirthDate": "unknown"}, None),
        ({"PatientAge": "²³Y"}, None),
        ({}, None),
    ],
)
def test_age(header, years):
    assert age_years_of(header) == (None if years is None else pytest.approx(years, abs=0.01))


@pytest.mark.parametrize(("text", "sex"), [("F", "female"), ("m", "male"), ("O", None), ("", None)])
def test_sex(text, sex):
    assert sex_of({"PatientSex": text}) == sex
