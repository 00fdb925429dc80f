"""Sex and age of a DICOM volume's patient for a new case, and who it is: only to keep that out of the case's texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import slicer

from OpportunisticBMDPanel.slicer.dicom_database import first_file_of

SUBJECT_TAGS = {
    "PatientSex": "0010,0040",
    "PatientAge": "0010,1010",
    "PatientBirthDate": "0010,0030",
    "StudyDate": "0008,0020",
    "PatientName": "0010,0010",
    "PatientID": "0010,0020",
    "OtherPatientIDs": "0010,1000",
    "OtherPatientNames": "0010,1001",
    "AccessionNumber": "0008,0050",
}


def subject_of(volume_node: Any) -> Mapping[str, str]:
    """DICOM keywords -> values, as `cases.anonymous.info_of` takes them; empty for no DICOM volume."""
    file = first_file_of(volume_node)
    return {keyword: slicer.dicomDatabase.fileValue(file, tag) for keyword, tag in SUBJECT_TAGS.items()} if file else {}
