"""How a volume from Slicer's DICOM database was acquired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import slicer

from OpportunisticBMDPanel.slicer.dicom_database import first_file_of, instance_uids

TAGS = {
    "Modality": "0008,0060",
    "ImageType": "0008,0008",
    "SeriesInstanceUID": "0020,000E",
    "SeriesDescription": "0008,103E",
    "StudyDescription": "0008,1030",
    "ProtocolName": "0018,1030",
    "DerivationDescription": "0008,2111",
    "ImageComments": "0020,4000",
    "KVP": "0018,0060",
    "FilterType": "0018,1160",
    "FilterMaterial": "0018,7050",
    "ConvolutionKernel": "0018,1210",
    "MultienergyCTAcquisition": "0018,9361",
    "RescaleType": "0028,1054",
    "Units": "0054,1001",
    "ContrastBolusAgent": "0018,0010",
    "ContrastBolusRoute": "0018,1040",
    "ContrastBolusVolume": "0018,1041",
    "ContrastBolusStartTime": "0018,1042",
    "ContrastBolusTotalDose": "0018,1044",
    "ContrastBolusIngredient": "0018,1048",
    "Manufacturer": "0008,0070",
    "ManufacturerModelName": "0008,1090",
    "SliceThickness": "0018,0050",
    "AcquisitionDate": "0008,0022",
    "DeviceSerialNumber": "0018,1000",
    "StudyDate": "0008,0020",
    "PatientBirthDate": "0010,0030",
    "PatientAge": "0010,1010",
    "PatientSex": "0010,0040",
    "GantryDetectorTilt": "0018,1120",
}


def header_of(volume_node: Any) -> Mapping[str, str] | None:
    """The values of `TAGS` that the first file of the volume states, by DICOM keyword; None for no DICOM volume.

    Never who the patient is: no other tag is read, what is shown of these is looked through for known words, and of
    dates of birth and study only the age is made.
    """
    file = first_file_of(volume_node)
    if not file:
        return None
    values = {keyword: slicer.dicomDatabase.fileValue(file, tag) for keyword, tag in TAGS.items()}
    values["KVP"] = _voltages(instance_uids(volume_node))
    return {keyword: value for keyword, value in values.items() if value}


def _voltages(uids: Sequence[str]) -> str:
    """The tube voltages that first, middle and last slice state, as DICOM writes several values."""
    database = slicer.dicomDatabase
    files = (database.fileForInstance(uids[k]) for k in (0, len(uids) // 2, -1))
    values = (database.fileValue(file, TAGS["KVP"]) for file in files if file)
    return "\\".join(dict.fromkeys(value for value in values if value))
