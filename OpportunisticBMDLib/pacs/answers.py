"""What archives answer to a search, by either protocol (PS3.4, C.6.2; PS3.18, 10.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableSequence
from dataclasses import replace
from typing import TYPE_CHECKING

from OpportunisticBMDLib.dicom.objects.unheard import unheard
from OpportunisticBMDLib.pacs.found import Asked, Instance, Series, Study, is_uid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

CT = "CT"
STUDY_KEYS = ("StudyInstanceUID", "StudyDate", "ModalitiesInStudy")
SERIES_KEYS = ("SeriesInstanceUID", "Modality", "SeriesDescription", "NumberOfSeriesRelatedInstances")
INSTANCE_KEYS = ("SOPInstanceUID", "SOPClassUID")
_MOST_DIGITS = 12  # PS3.5, 6.2, IS


def filters_of(asked: Asked) -> dict[str, str]:
    """Keywords and what they have to match."""
    days = [day.strftime("%Y%m%d") if day else "" for day in (asked.since, asked.until)]
    filters = {
        "StudyInstanceUID": asked.study_uid,
        "StudyDate": "-".join(days) if any(days) else None,
        "PatientID": asked.patient_id,
        "ModalitiesInStudy": CT,
    }
    return {keyword: value for keyword, value in filters.items() if value}


@unheard()
def studies_of(answers: Iterable[Dataset]) -> list[Study]:
    """Those with a CT: archives may leave out to match modalities. What has no UID cannot be asked for by it."""
    studies = (Study(_text(a, "StudyInstanceUID"), _text(a, "StudyDate")) for a in answers if _may_hold_ct(a))
    return [study for study in studies if is_uid(study.uid)]


@unheard()
def series_of(
    answers: Iterable[Dataset], study_uid: str, instances: Callable[[Series], list[Instance]]
) -> list[Series]:
    """The series of a study.

    Args:
        instances: those of a series, for who does not say how many there are.
    """
    found = []
    for answer in answers:
        uid, modality, description, count = (_text(answer, keyword) for keyword in SERIES_KEYS)
        is_counted = count.isdecimal() and len(count) <= _MOST_DIGITS
        series = Series(study_uid, uid, modality, description, int(count) if is_counted else 0)
        if is_uid(uid):
            found.append(series if is_counted else replace(series, instances=len(instances(series))))
    return found


@unheard()
def instances_of(answers: Iterable[Dataset]) -> list[Instance]:
    """Those that have a UID."""
    found = (Instance(_text(a, "SOPInstanceUID"), _text(a, "SOPClassUID")) for a in answers)
    return [instance for instance in found if is_uid(instance.uid)]


def _may_hold_ct(answer: Dataset) -> bool:
    return CT in (_texts(answer, "ModalitiesInStudy") or [CT])


def _text(answer: Dataset, keyword: str) -> str:
    """Empty where there is none; several as they are written, which is no UID."""
    return "\\".join(_texts(answer, keyword))


def _texts(answer: Dataset, keyword: str) -> list[str]:
    """None where it is not there, or is nothing that its kind allows."""
    try:
        value = answer.get(keyword)
    except (ValueError, TypeError, OverflowError):
        return []
    values = value if isinstance(value, MutableSequence) else [value]
    return [text for text in (str(v).strip("\0 ") for v in values if v is not None) if text]
