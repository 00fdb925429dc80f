"""DICOM objects that a user names to be sent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.dicom.objects.unheard import unheard
from OpportunisticBMDLib.reading.series.dicom_file import has_preamble
from OpportunisticBMDLib.reading.series.dicom_folder import files_below

_CONTENTS = "DICOMDIR"  # of a disc: no object of a study (PS3.10, 8.6)


def objects_in(paths: Iterable[Path]) -> list[Path]:
    """The files that are named, and those DICOM files that lie below folders, but for a disc's table of contents.

    Reports come last: where one is in an archive, what it refers to is, too.

    Raises:
        BadInput: one is not there, damaged or no DICOM file, or a folder holds none.
        OSError: one cannot be read.
    """
    return sorted((file for path in paths for file in _objects_at(path)), key=_is_report)


def _is_report(path: Path) -> bool:
    from pydicom.filereader import read_file_meta_info
    from pydicom.uid import Comprehensive3DSRStorage

    return bool(read_file_meta_info(path).MediaStorageSOPClassUID == Comprehensive3DSRStorage)


def _objects_at(path: Path) -> list[Path]:
    if not path.exists():
        raise BadInput(f"{path} does not exist: check the path.")
    files = files_below(path) if path.is_dir() else [path]
    found = [file for file in files if has_preamble(file) and file.name != _CONTENTS]
    if not found:
        raise BadInput(f"{path} {'holds' if path.is_dir() else 'is'} no DICOM file: name what is to be sent.")
    for file in found:
        _check(file)
    return found


def _check(path: Path) -> None:
    import pydicom

    try:
        with unheard():
            data = pydicom.dcmread(path, stop_before_pixels=True)
            is_whole = bool(
                data.SOPInstanceUID and data.file_meta.MediaStorageSOPClassUID and data.file_meta.TransferSyntaxUID
            )
    except OSError:
        raise
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise BadInput(_damaged(path)) from error
    if not is_whole:
        raise BadInput(_damaged(path))


def _damaged(path: Path) -> str:
    return f"{path} is a damaged DICOM file: copy it again, or leave it out."
