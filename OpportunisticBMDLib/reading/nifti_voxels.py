"""Whether a NIfTI file is whole. ITK's reader puts zeros, i.e. water, in place of lost voxels and of NaN."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput

_CHUNK = 2**22
_FLOATS = {16: "f4", 64: "f8"}


def check_nifti_voxels(path: Path) -> None:
    """Reads all of a .nii or .nii.gz once, without keeping it.

    Raises:
        BadInput: cut off, damaged (checksum of gzip), or with voxels that are not finite numbers.
    """
    try:
        with _opened(path) as file:
            not_finite = _count_not_finite(file)
    except (EOFError, zlib.error, gzip.BadGzipFile, struct.error, ValueError) as error:
        raise BadInput(f"{path} is damaged or no NIfTI file: copy or export it again.") from error
    if not_finite:
        raise BadInput(f"{path} holds {not_finite} voxels that are not finite numbers: export the CT again.")


def qform_handedness(path: Path) -> int:
    """1, or -1 where the header's qfac turns the third axis round; ITK does not pass it on."""
    with _opened(path) as file:
        start = file.read(348)
    order = _byte_order(start)
    first_version = struct.unpack_from(order + "i", start)[0] == 348
    qfac = struct.unpack_from(order + ("f" if first_version else "d"), start, 76 if first_version else 104)[0]
    return -1 if qfac < 0 else 1


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if _is_gzip(path) else path.open("rb")


def _byte_order(start: bytes) -> str:
    return "<" if struct.unpack_from("<i", start)[0] in (348, 540) else ">"


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _count_not_finite(file: BinaryIO) -> int:
    """ValueError or EOFError where the file ends before its last voxel."""
    order, datatype, expected = _header(file)
    left, count = expected, 0
    while left:
        chunk = file.read(min(_CHUNK, left))
        if not chunk:
            raise EOFError(f"{left} of {expected} bytes are missing")
        left -= len(chunk)
        if datatype in _FLOATS:
            values = np.frombuffer(chunk, order + _FLOATS[datatype])
            count += int(values.size - np.isfinite(values).sum())
    while file.read(_CHUNK):
        pass  # gzip verifies its checksum at the very end
    return count


def _header(file: BinaryIO) -> tuple[str, int, int]:
    """Byte order, datatype, number of bytes of voxels; leaves the file at the first voxel (NIfTI-1 and NIfTI-2)."""
    start = file.read(348)
    order = _byte_order(start)
    version = struct.unpack_from(order + "i", start)[0]
    if version == 348:
        dim = struct.unpack_from(order + "8h", start, 40)
        datatype, bits = struct.unpack_from(order + "2h", start, 70)
        offset = int(struct.unpack_from(order + "f", start, 108)[0])
    elif version == 540:
        dim = struct.unpack_from(order + "8q", start, 16)
        datatype, bits = struct.unpack_from(order + "2h", start, 12)
        offset = struct.unpack_from(order + "q", start, 168)[0]
    else:
        raise ValueError("no NIfTI header")
    if not 1 <= dim[0] <= 7 or min(dim[1 : dim[0] + 1]) < 1 or offset < len(start):
        raise ValueError("no NIfTI header")
    file.read(offset - len(start))
    return order, datatype, math.prod(dim[1 : dim[0] + 1]) * bits // 8
