"""What bears on a density of who the patient is: age and sex. Neither is ever written to a file of results."""

from __future__ import annotations

from typing import Any

from OpportunisticBMDLib.reading.facts.header_values import day_of, text_of

PATIENT_TAGS = ("PatientAge", "PatientSex", "PatientBirthDate", "AcquisitionDate", "StudyDate")
SEXES = {"F": "female", "M": "male"}
_YEARS_PER = {"Y": 1.0, "M": 1 / 12, "W": 1 / 52.18, "D": 1 / 365.25}
_OLDEST = 120.0


def age_years_of(data: Any) -> float | None:
    """From Patient's Age ("063Y"), else from birth date and day of the scan; None where neither tells one.

    Programs that take out who the patient is write "000Y", or the same date or one of 1900 for both: no age.
    """
    age = _stated(data)
    if age is None:
        born = day_of(data, "PatientBirthDate")
        scanned = day_of(data, "AcquisitionDate") or day_of(data, "StudyDate")
        age = (scanned - born).days / 365.25 if born and scanned else None
    return age if age is not None and 0 < age <= _OLDEST else None


def sex_of(data: Any) -> str | None:
    """ "female" or "male"; None where neither is stated."""
    return SEXES.get((text_of(data, "PatientSex") or "").upper())


def _stated(data: Any) -> float | None:
    text = (text_of(data, "PatientAge") or "").upper()
    number, unit = text[:-1], text[-1:]
    return int(number) * _YEARS_PER[unit] if number.isdecimal() and unit in _YEARS_PER else None
