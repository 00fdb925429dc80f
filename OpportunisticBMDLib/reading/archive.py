"""A zip that holds a DICOM folder or one image file."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path, PurePosixPath

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.dicom_folder import read_dicom_folder
from OpportunisticBMDLib.reading.image_file import is_image_file, read_image_file

MOST_FILES = 100_000
MOST_BYTES = 16 * 2**30
# CT compresses 2 to 10 times, a noise-free phantom some hundred times; a bomb a thousand times and more.
MOST_EXPANSION = 500
_SMALL_BYTES = 2**30


def read_zip(path: Path, series_uid: str | None = None) -> CT:
    """Unpacks into a temporary folder, reads the CT, and leaves nothing behind.

    Raises:
        BadInput: an unsafe, damaged or encrypted zip, or one that holds no CT.
    """
    with tempfile.TemporaryDirectory(prefix="opportunistic-bmd-") as temporary:
        folder = Path(temporary)
        _unpack(path, folder)
        try:
            ct = _read_unpacked(path, folder, series_uid)
        except BadInput as error:
            raise BadInput(_named_in_zip(str(error), folder, path)) from error
    return CT(ct.volume, replace(ct.acquisition, path=str(path)))


def _read_unpacked(path: Path, folder: Path, series_uid: str | None) -> CT:
    images = sorted(f for f in folder.rglob("*") if f.is_file() and is_image_file(f))
    if len(images) > 1:
        raise BadInput(f"{path} holds {len(images)} image files: name a zip with one CT, or the file itself.")
    if images:
        return read_image_file(images[0])
    return read_dicom_folder(folder, series_uid)


def _named_in_zip(message: str, folder: Path, path: Path) -> str:
    """Names files by their place in the zip: the temporary folder means nothing to the user."""
    return message.replace(f"{folder}{os.sep}", f"{path}: ").replace(str(folder), str(path))


def _unpack(path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
            _check_size(path, members, shutil.disk_usage(folder).free)
            for member in members:
                _unpack_member(archive, member, _target(path, folder, member.filename))
    except (zipfile.BadZipFile, EOFError, ValueError, zlib.error) as error:
        raise BadInput(f"{path} is a damaged zip: copy it again.") from error
    except (RuntimeError, NotImplementedError) as error:
        raise BadInput(f"{path} is encrypted or packed in an unknown way: unpack it and name the folder.") from error


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # zipfile stops at the size that the directory of the zip declares, which _check_size has judged.
    with archive.open(member) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, 2**20)


def _target(path: Path, folder: Path, name: str) -> Path:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0].startswith("/") or ":" in parts[0]:
        raise BadInput(f"{path} holds a file that would leave its folder ({name}): do not open this zip.")
    return folder.joinpath(*parts)


def _check_size(path: Path, members: list[zipfile.ZipInfo], free: int) -> None:
    size, packed = sum(m.file_size for m in members), sum(m.compress_size for m in members)
    if len(members) > MOST_FILES or size > MOST_BYTES:
        raise BadInput(f"{path} holds {len(members)} files of {size / 2**30:.1f} GiB: unpack it and name the folder.")
    if size > _SMALL_BYTES and size > MOST_EXPANSION * max(packed, 1):
        raise BadInput(f"{path} would grow {size // max(packed, 1)} times when unpacked: do not open this zip.")
    if size > free:
        raise BadInput(f"{path} needs {size / 2**30:.1f} GiB of temporary space: free some and try again.")
