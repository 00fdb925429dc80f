"""A zip that holds a DICOM folder or one image file."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.facts.acquisition_facts import shown_name
from OpportunisticBMDLib.reading.image_file import is_image_file, read_image_file
from OpportunisticBMDLib.reading.series.dicom_folder import read_dicom
from OpportunisticBMDLib.reading.series.dicom_header import Damaged, SliceHeader, read_headers
from OpportunisticBMDLib.reading.series.file_state import FileState
from OpportunisticBMDLib.reading.series.source_slices import SourceSlices
from OpportunisticBMDLib.system.files import open_regular
from OpportunisticBMDLib.system.leftovers import TEMPORARY_PREFIX
from OpportunisticBMDLib.system.printable import printable
from OpportunisticBMDLib.system.scratch import Scratch, clear_abandoned

MOST_FILES = 100_000
MOST_BYTES = 16 * 2**30
# CT compresses 2 to 10 times, a noise-free phantom some hundred times; a bomb a thousand times and more.
MOST_EXPANSION = 500
_SMALL_BYTES = 2**30
# Bytes that are taken at a time. LZMA and bzip2 unpack all that they are given at once: up to 7,000 times as many, and
# up to 46 MB for every 40 bytes.
_CHUNK = 2**18
_SMALL_CHUNKS = {zipfile.ZIP_LZMA: 2**12, zipfile.ZIP_BZIP2: 2**6}
_MACS_OWN = "__MACOSX"
_SEGMENTATION = ".seg.nrrd"


def read_zip(path: Path, series_uid: str | None = None) -> tuple[CT, SourceSlices | None]:
    """Unpacks into a temporary folder, reads the CT, and leaves nothing behind.

    A segmentation beside the CT, and what a Mac adds, do not count. Of a zip that holds nothing but another one, that
    is read.

    Returns:
        The CT, and the slices that it was read from; None where it is not DICOM.

    Raises:
        BadInput: an unsafe, damaged or encrypted zip, or one that holds no CT, or several of which none was named.
    """
    state = FileState.of(path)
    ct, slices = _read_zip(path, path.name, series_uid, zips_within=1)
    if slices is not None:  # the CT is named already, without what may tell the patient
        return ct, slices.from_zip(path, state)
    return CT(ct.volume, replace(ct.acquisition, path=shown_name(path.name))), None


def _read_zip(path: Path, asked: str, series_uid: str | None, zips_within: int) -> tuple[CT, SourceSlices | None]:
    """`asked` is the name of the zip that the user gave."""
    temporary = Path(tempfile.gettempdir())
    clear_abandoned(temporary, TEMPORARY_PREFIX)
    with Scratch(temporary, TEMPORARY_PREFIX) as scratch:
        folder = scratch / "unpacked"
        folder.mkdir()
        _unpack(path, folder)
        try:
            return _read_unpacked(path, folder, asked, series_uid, zips_within)
        except BadInput as error:
            raise BadInput(_named_in_zip(str(error), folder, path)) from error


def _read_unpacked(
    path: Path, folder: Path, asked: str, series_uid: str | None, zips_within: int
) -> tuple[CT, SourceSlices | None]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    segmentations = [file for file in files if file.name.lower().endswith(_SEGMENTATION)]
    images = [file for file in files if is_image_file(file) and file not in segmentations]
    if _hold_a_slice(files):
        if images and series_uid is None:
            raise BadInput(
                f"{path} holds a DICOM CT and the image file {images[0].relative_to(folder)}: name the DICOM series "
                "by its UID, or unpack the zip and name the folder or the file."
            )
        return read_dicom(folder, series_uid, asked)
    if len(images) > 1:
        names = f"{images[0].relative_to(folder)} and {images[1].relative_to(folder)}"
        raise BadInput(
            f"{path} holds {len(images)} image files (e.g. {names}): name a zip with one CT, or the file itself."
        )
    if images and series_uid is not None:
        raise BadInput(f"{images[0]} is not DICOM, so a series cannot be picked in it: leave out the series UID.")
    if images:
        return read_image_file(images[0]), None
    zips = [file for file in files if zipfile.is_zipfile(file)]
    if len(zips) == 1 and zips_within:
        return _read_zip(zips[0], asked, series_uid, zips_within - 1)
    if len(zips) == 1:
        raise BadInput(f"{path} holds a zip in a zip: unpack them and name the folder.")
    if zips:
        raise BadInput(f"{path} holds {len(zips)} zips: unpack it and name the one with the CT.")
    if segmentations:
        return read_image_file(segmentations[0]), None  # which says that it is no CT
    return read_dicom(folder, series_uid, asked)  # which says what there is instead of a CT


def _hold_a_slice(files: Sequence[Path]) -> bool:
    """Whether one of them is a slice of a CT, be it a damaged one."""
    headers = (header for file in files for header in read_headers(file))
    return any(isinstance(h, SliceHeader) or (isinstance(h, Damaged) and h.is_slice) for h in headers)


def _named_in_zip(message: str, folder: Path, path: Path) -> str:
    """Names files by their place in the zip: the temporary folder means nothing to the user."""
    place, name = printable(str(folder)), printable(str(path))
    return message.replace(f"{place}{os.sep}", f"{name}: ").replace(place, name)


def _unpack(path: Path, folder: Path) -> None:
    with open_regular(path) as file:
        archive = _opened(path, file)
        members = _members(path, archive)
        _check_size(path, list(members.values()), shutil.disk_usage(folder).free)
        for name, member in members.items():
            _unpack_member(path, archive, member, folder / name)


def _opened(path: Path, file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except Exception as error:  # zipfile raises many kinds on damaged files
        raise _damaged(path, error) from error


def _members(path: Path, archive: zipfile.ZipFile) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The files in a zip that may count, by their place in it."""
    members: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        if member.is_dir():
            continue
        name = _safe(path, member.filename)
        if any(part == _MACS_OWN or part.startswith(".") for part in name.parts):
            continue
        if name in members:
            raise BadInput(f"{path} holds two files named {name}: unpack it and name the one that is meant.")
        members[name] = member
    return members


def _safe(path: Path, name: str) -> PurePosixPath:
    place = PurePosixPath(name.replace("\\", "/"))
    if not place.parts or ".." in place.parts or place.is_absolute() or ":" in place.parts[0]:
        raise BadInput(f"{path} holds a file that would leave its folder ({name}): do not open this zip.")
    return place


def _unpack_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as sink:
            # zipfile stops at the size that the directory of the zip declares, which _check_size has judged.
            for chunk in _chunks(path, archive, member):
                sink.write(chunk)
    except OSError as error:
        cause = error.strerror or error
        raise BadInput(f"{path} cannot be unpacked ({cause}): unpack it yourself and name the folder.") from error


def _chunks(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(member) as source:
            size = _SMALL_CHUNKS.get(member.compress_type, _CHUNK)
            source.MIN_READ_SIZE = min(size, 2**12)  # type: ignore[attr-defined]  # zipfile.ZipExtFile has it
            while chunk := source.read(size):
                yield chunk
    except GeneratorExit:
        raise
    except Exception as error:  # so do lzma, bz2 and zlib
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> BadInput:
    if isinstance(error, RuntimeError):  # NotImplementedError is one
        return BadInput(f"{path} is encrypted or packed in an unknown way: unpack it and name the folder.")
    return BadInput(f"{path} is a damaged zip: copy it again.")


def _check_size(path: Path, members: Sequence[zipfile.ZipInfo], free: int) -> None:
    size, packed = sum(m.file_size for m in members), sum(m.compress_size for m in members)
    if len(members) > MOST_FILES or size > MOST_BYTES:
        raise BadInput(f"{path} holds {len(members)} files of {size / 2**30:.1f} GiB: unpack it and name the folder.")
    if size > _SMALL_BYTES and size > MOST_EXPANSION * max(packed, 1):
        raise BadInput(f"{path} would grow {size // max(packed, 1)} times when unpacked: do not open this zip.")
    if size > free:
        raise BadInput(f"{path} needs {size / 2**30:.1f} GiB of temporary space: free some and try again.")
