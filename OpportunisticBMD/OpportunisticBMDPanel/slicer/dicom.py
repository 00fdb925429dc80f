"""How a volume from Slicer's DICOM database was acquired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import slicer

TAGS = {
    "SeriesInstanceUID": "0020,000E",
    "SeriesDescription": "0008,103E",
    "KVP": "0018,0060",
    "ConvolutionKernel": "0018,1210",
    "ContrastBolusAgent": "0018,0010",
    "Manufacturer": "0008,0070",
    "ManufacturerModelName": "0008,1090",
    "SliceThickness": "0018,0050",
}


def header_of(volume_node: Any) -> Mapping[str, str] | None:
    """The values of `TAGS` that the first file of the volume states, by DICOM keyword; None for no DICOM volume.

    Never who the patient is: no other tag is read.
    """
    uids = (volume_node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None:
        return None
    file = database.fileForInstance(uids[0])
    if not file:
        return None
    values = {keyword: database.fileValue(file, tag) for keyword, tag in TAGS.items()}
    return {keyword: value for keyword, value in values.items() if value}
