"""Headers of MetaImage files, attached (.mha) or detached (.mhd)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS
from OpportunisticBMDLib.reading.headers.data_files import data_files
from OpportunisticBMDLib.reading.headers.header import Encoding, ImageHeader, VoxelBlock
from OpportunisticBMDLib.reading.headers.plausible import check_geometry, check_size, check_spacing
from OpportunisticBMDLib.reading.headers.start import shown, start_of

_MOST_HEADER = 2**20
_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
_MATRIX = ("TransformMatrix", "Rotation", "Orientation")
_ORIGIN = ("Offset", "Position", "Origin")
_SPACING = ("ElementSpacing", "ElementSize")
_SCALING = {"ElementToIntensityFunctionSlope": "1", "ElementToIntensityFunctionOffset": "0"}
_MM_PER_UNIT = {"?": 1.0, "mm": 1.0, "um": 0.001, "cm": 10.0}
_LINE = re.compile(r"\s*([^=:]+?)\s*[=:]\s*(.*?)\s*")
_START = re.compile(rb"\s*[A-Za-z][^=:\r\n]*[=:]")
_NAMES_IT = re.compile(rb"(?m)^\s*(NDims|DimSize|ElementDataFile)\s*[=:]")


def is_metaimage(start: bytes) -> bool:
    """Whether bytes from a file's beginning are a MetaImage header."""
    return _START.match(start) is not None and _NAMES_IT.search(start) is not None


def read_metaimage_header(path: Path) -> ImageHeader:
    """Reads and judges a header.

    Raises:
        BadInput: damaged, not one 3D volume of numbers, or without a plausible place.
        OSError: the file cannot be read.
    """
    fields, rest, length = _fields(start_of(path, _MOST_HEADER), path)
    axes = _integers(fields, "NDims", 1, path)[0]
    if not 3 <= axes <= 10:
        raise BadInput(f"{path} says that it has {axes} axes: a volume has three.")
    sizes = _integers(fields, "DimSize", axes, path)
    check_size(tuple(sizes), path)
    if sizes[3:] and max(sizes[3:]) > 1:
        raise BadInput(f"{path} holds {max(sizes[3:])} volumes: export the one that is to be measured.")
    if _integers({"ElementNumberOfChannels": "1", **fields}, "ElementNumberOfChannels", 1, path) != [1]:
        raise BadInput(f"{path} holds colours or vectors: one number per voxel is needed.")
    size = (sizes[0], sizes[1], sizes[2])
    affine = _affine(fields, axes, path)
    check_geometry(affine, size, path)
    return ImageHeader(path, "MetaImage", _voxels(fields, rest, length, sizes, path), size, affine)


def _fields(content: bytes, path: Path) -> tuple[dict[str, str], list[str], int]:
    """The header's fields, the lines after it where it ends in a list of files, and how many bytes it has."""
    fields: dict[str, str] = {}
    length = 0
    for line in content.splitlines(keepends=True):
        length += len(line)
        text = line.decode("utf-8", "replace")
        found = _LINE.fullmatch(text)
        if found is None and text.strip():
            break
        key, value = found.groups() if found else ("", "")
        if fields.setdefault(key, value) != value:
            raise BadInput(f"{path} is damaged: its header says {shown(key)} twice; copy or export it again.")
        if key == "ElementDataFile":
            listed = content[length:].decode("utf-8", "replace").splitlines() if value.startswith("LIST") else []
            return fields, listed, length
    raise BadInput(f"{path} is damaged or no MetaImage file: copy or export it again.")


def _affine(fields: Mapping[str, str], axes: int, path: Path) -> np.ndarray:
    """From (i, j, k, 1) to RAS mm."""
    matrix, origin, spacing = (_stated(fields, names, path) for names in (_MATRIX, _ORIGIN, _SPACING))
    # A row of the file is the direction of an axis.
    directions = np.reshape(_numbers(fields, matrix, axes * axes, path), (axes, axes))[:3, :3].T
    lps = np.eye(4)
    unit = fields.get("DistanceUnits", "mm")
    if unit not in _MM_PER_UNIT:
        raise BadInput(f"{path} measures space in {shown(unit)}: export it in mm.")
    steps = _numbers(fields, spacing, axes, path)[:3] * _MM_PER_UNIT[unit]
    check_spacing(steps, path)
    with np.errstate(over="ignore"):
        lps[:3, :3] = directions * steps
        lps[:3, 3] = _numbers(fields, origin, axes, path)[:3] * _MM_PER_UNIT[unit]
    return np.diag(LPS_FROM_RAS)[:, None] * lps


def _stated(fields: Mapping[str, str], names: tuple[str, ...], path: Path) -> str:
    """Under which of its names a field is given; a default would be made up."""
    for name in names:
        if name in fields:
            return name
    raise BadInput(f"{path} does not say how the patient lies in it ({names[0]} is missing): export it with its place.")


def _voxels(fields: Mapping[str, str], listed: list[str], length: int, sizes: list[int], path: Path) -> VoxelBlock:
    kind = fields.get("ElementType", "")
    if kind not in _TYPES:
        raise BadInput(f'{path} holds voxels of the type "{shown(kind)}": export it as 16 bit integers.')
    largest_first = _is_true(fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False")))
    dtype = np.dtype((">" if largest_first else "<") + _TYPES[kind])
    name = fields["ElementDataFile"]
    local = name.upper() == "LOCAL"
    files = (path,) if local else data_files(path, name, listed)
    skipped = _integers({"HeaderSize": "0", **fields}, "HeaderSize", 1, path)[0]
    if skipped == -1:
        skipped = files[0].stat().st_size - int(np.prod(sizes)) * dtype.itemsize // len(files)
    if skipped < 0:
        raise BadInput(f"{path} is damaged: its voxels are cut off; copy or export it again.")
    for name, nothing in _SCALING.items():
        if _numbers({name: nothing, **fields}, name, 1, path)[0] != float(nothing):
            # Some programs apply it, ITK does not: which of the two was meant cannot be known.
            raise BadInput(f"{path} scales its values ({name} = {shown(fields[name])}): export the CT in HU.")
    packed = _is_true(fields.get("CompressedData", "False"))
    binary = _is_true(fields.get("BinaryData", "True"))
    encoding: Encoding = "zlib" if packed else "raw" if binary else "text"
    return VoxelBlock(files, skipped or (length if local else 0), dtype, encoding)


def _is_true(value: str) -> bool:
    return value[:1] in ("T", "t", "1")


def _integers(fields: Mapping[str, str], name: str, count: int, path: Path) -> list[int]:
    values = _numbers(fields, name, count, path)
    if (values != np.rint(values)).any() or np.abs(values).max() > 2**62:
        raise BadInput(f"{path} is damaged: its {name} is {shown(fields[name])}; copy or export it again.")
    return [int(value) for value in values]


def _numbers(fields: Mapping[str, str], name: str, count: int, path: Path) -> np.ndarray:
    text = fields.get(name, "")
    try:
        values = np.array(text.split(), float)
    except ValueError:
        values = np.empty(0)
    if len(values) != count or not np.isfinite(values).all() or "_" in text:  # Python reads 2_5 as 25
        raise BadInput(
            f'{path} is damaged: its {name} is "{shown(text)}", not {count} numbers; copy or export it again.'
        )
    return values
