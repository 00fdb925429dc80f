"""Headers of NIfTI-1 and NIfTI-2 files, one file or a pair, packed or not: by content, whatever their name says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.headers.data_files import data_file
from OpportunisticBMDLib.reading.headers.header import ImageHeader, VoxelBlock
from OpportunisticBMDLib.reading.headers.nifti_fields import nifti_fields
from OpportunisticBMDLib.reading.headers.nifti_forms import stated_affine
from OpportunisticBMDLib.reading.headers.plausible import check_geometry, check_size
from OpportunisticBMDLib.reading.headers.start import is_gzip, start_of

_LENGTHS = (348, 540)  # of a header: its first number, whose bytes tell the byte order
_MAGIC = {348: (b"n+1", b"ni1"), 540: (b"n+2", b"ni2")}
_PAIRS = (b"ni1", b"ni2")
_TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
_COLOURS = (128, 2304)
_MM_PER_UNIT = {1: 1000.0, 3: 0.001}  # metres, microns; whatever else the header says means mm
# Extensions of a header hold a DICOM header at most.
_MOST_BEFORE_VOXELS = 2**26


def is_nifti(start: bytes) -> bool:
    """Whether bytes from a file's beginning, unpacked, are a header of NIfTI or of its forerunner, Analyze."""
    return _order_of(start) is not None


def read_nifti_header(path: Path) -> ImageHeader:
    """Reads and judges a header.

    Raises:
        BadInput: damaged, not one 3D volume of numbers, or without a plausible place.
        OSError: the file cannot be read.
    """
    start = start_of(path, max(_LENGTHS))
    found = _order_of(start)
    if found is None or len(start) < found[0]:
        raise BadInput(f"{path} is damaged or no NIfTI file: copy or export it again.")
    length, order = found
    fields = nifti_fields(start[:length], order)
    magic = bytes(fields["magic"])[:3]
    if magic not in _MAGIC[length]:
        raise BadInput(f"{path} is an Analyze file, which does not say how the patient lies: export it as NIfTI.")
    size = _size(fields, path)
    voxels = _voxels(fields, order, length, magic, path)
    affine = stated_affine(fields, _MM_PER_UNIT.get(int(fields["xyzt_units"]) & 7, 1.0), path)
    check_geometry(affine, size, path)
    return ImageHeader(path, "NIfTI", voxels, size, affine)


def _order_of(start: bytes) -> tuple[int, str] | None:
    """The header's length and its byte order."""
    for order, name in (("<", "little"), (">", "big")):
        length = int.from_bytes(start[:4], name)  # type: ignore[arg-type]
        if length in _LENGTHS:
            return length, order
    return None


def _size(fields: Any, path: Path) -> tuple[int, int, int]:
    count, *sizes = (int(n) for n in fields["dim"])
    if not 1 <= count <= 7:
        raise BadInput(f"{path} is damaged: it says that it has {count} axes; copy or export it again.")
    sizes = sizes[:count]
    check_size(tuple(sizes), path)
    if count < 3:
        raise BadInput(f"{path} is a {count}D image: a 3D volume is needed.")
    if len(sizes) > 3 and sizes[3] > 1:
        raise BadInput(f"{path} holds {sizes[3]} volumes: export the one that is to be measured.")
    if max(sizes[3:], default=1) > 1 or int(fields["datatype"]) in _COLOURS:
        raise BadInput(f"{path} holds colours or vectors: one number per voxel is needed.")
    return sizes[0], sizes[1], sizes[2]


def _voxels(fields: Any, order: str, length: int, magic: bytes, path: Path) -> VoxelBlock:
    code = int(fields["datatype"])
    dtype = np.dtype(order + _TYPES[code]) if code in _TYPES else None
    if dtype is None or int(fields["bitpix"]) != 8 * dtype.itemsize:
        raise BadInput(f"{path} holds a kind of number that no CT is stored in: export it as 16 bit integers.")
    file = _pair(path) if magic in _PAIRS else path
    least = 0 if magic in _PAIRS else length
    offset = float(fields["vox_offset"])
    if not least <= offset <= _MOST_BEFORE_VOXELS or offset != int(offset):
        raise BadInput(
            f"{path} is damaged: it says that its voxels begin {offset:g} bytes in; copy or export it again."
        )
    slope, intercept = _scaling(float(fields["scl_slope"]), float(fields["scl_inter"]), path)
    if is_gzip(file):
        return VoxelBlock((file,), 0, dtype, "gzip", int(offset), slope, intercept)
    return VoxelBlock((file,), int(offset), dtype, "raw", 0, slope, intercept)


def _scaling(slope: float, intercept: float, path: Path) -> tuple[float, float]:
    """Zero and "not a number" mean that there is none."""
    if np.isinf((slope, intercept)).any() or (slope == 0 and intercept not in (0, np.nan)):
        raise BadInput(f"{path} is damaged: it scales its values by {slope:g} and {intercept:g}; export it again.")
    scaled = np.isfinite(slope) and slope != 0
    return (slope if scaled else 1.0), (intercept if np.isfinite(intercept) else 0.0)


def _pair(path: Path) -> Path:
    """The .img of a .hdr."""
    names = [path.with_suffix(suffix).name for suffix in (".img", ".img.gz")]
    there = [name for name in names if path.with_name(name).exists()]
    if len(there) > 1:
        raise BadInput(f"{path} has two files of voxels, {there[0]} and {there[1]}: keep the one that belongs to it.")
    return data_file(path, (there or names)[0])
