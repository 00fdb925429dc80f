"""Reading a CT from whatever a user has: an image file, a DICOM folder, or a zip of either."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.archive import read_zip
from OpportunisticBMDLib.reading.headers import format_by_content, format_by_name
from OpportunisticBMDLib.reading.image_file import read_image_file
from OpportunisticBMDLib.reading.series.dicom_file import has_preamble
from OpportunisticBMDLib.reading.series.dicom_folder import read_dicom
from OpportunisticBMDLib.reading.series.frames import is_enhanced_ct
from OpportunisticBMDLib.reading.series.source_slices import SourceSlices

__all__ = ["read_ct", "read_ct_with_slices"]


def read_ct(path: str | os.PathLike[str], series_uid: str | None = None) -> CT:
    """Reads a CT in HU, with its place in the patient and how it was acquired.

    Args:
        path: a NIfTI, NRRD or MetaImage file, a folder with DICOM files at any depth, or a zip of one of these.
        series_uid: the DICOM Series Instance UID to take; the axial series that shows the spine best otherwise.

    Returns:
        HU indexed [i, j, k], int16 where that is exact, else float32; nothing lies below -1024 HU (air).

    Raises:
        BadInput: the path holds no CT that can be read rightly; the message names the file and the reason.
    """
    return read_ct_with_slices(path, series_uid)[0]


def read_ct_with_slices(path: str | os.PathLike[str], series_uid: str | None = None) -> tuple[CT, SourceSlices | None]:
    """Reads a CT as `read_ct` does, and gives the DICOM slices that it was read from; None where it is not DICOM."""
    path = Path(path)
    try:
        if not path.exists():
            raise BadInput(f"{path} does not exist: check the path.")
        if path.is_dir():
            return read_dicom(path, series_uid)
        if not path.is_file():
            raise BadInput(f"{path} is no ordinary file: name a file or a folder.")
        if path.stat().st_size == 0:
            raise BadInput(f"{path} is empty: copy it again.")
        if format_by_content(path):
            return _read_image(path, series_uid), None
        if zipfile.is_zipfile(path):
            return read_zip(path, series_uid)
        if is_enhanced_ct(path):
            return read_dicom(path, series_uid)
        raise BadInput(_why_not_a_ct(path))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from error


def _read_image(path: Path, series_uid: str | None) -> CT:
    if series_uid is not None:
        raise BadInput(f"{path} is not DICOM, so a series cannot be picked in it: leave out the series UID.")
    return read_image_file(path)


def _why_not_a_ct(path: Path) -> str:
    if has_preamble(path):
        return f"{path} is a single DICOM file: name the folder that holds all slices of the CT."
    kind = format_by_name(path)
    if kind:
        return f"{path} is damaged or no {kind} file: copy or export it again."
    return f"{path} is neither NIfTI, NRRD, MetaImage nor a zip: name such a file, or a folder of DICOM files."
