"""The program as the maker of DICOM objects: PS3.3 C.7.5.1 General Equipment, C.7.3.1 General Series."""

from __future__ import annotations

from typing import Any

from highdicom import UID
from pydicom.uid import generate_uid

from OpportunisticBMDLib import __version__

NAME = "OpportunisticBMD"
MAKER = "The OpportunisticBMD developers"
DEVICE_UID = generate_uid(prefix=None, entropy_srcs=[NAME, __version__])  # the same for all results of a version
_SERIAL_NUMBER = "1"  # of type 1 in a segmentation, and a program has none
_FIRST_SERIES_NUMBER = 9101  # far above those of scanners
KINDS = ("segmentation", "measurements", "report", "preview")  # each a series of its own, since modalities differ


def stamp(kind: str) -> dict[str, Any]:
    """Who made an object, and its new identifiers, as the constructors of highdicom take them."""
    return {
        "series_instance_uid": str(UID()),
        "series_number": _FIRST_SERIES_NUMBER + KINDS.index(kind),
        "sop_instance_uid": str(UID()),
        "instance_number": 1,
        "manufacturer": MAKER,
        "manufacturer_model_name": NAME,
        "software_versions": __version__,
        "device_serial_number": _SERIAL_NUMBER,
        "series_description": f"Bone mineral density: {kind}",
    }
