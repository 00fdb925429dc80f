"""Headers of NRRD files, attached (.nrrd, .seg.nrrd) or detached (.nhdr)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.headers.data_files import data_files
from OpportunisticBMDLib.reading.headers.header import Encoding, ImageHeader, VoxelBlock
from OpportunisticBMDLib.reading.headers.plausible import check_geometry, check_size, check_spacing
from OpportunisticBMDLib.reading.headers.start import shown, start_of

# A segmentation of hundreds of segments takes some hundred kilobytes.
_MOST_HEADER = 2**20
_MOST_BEFORE_VOXELS = 2**20
_TYPES: dict[str, str] = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
_ENCODINGS: dict[str, Encoding] = {
    "raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2",
    "ascii": "text", "text": "text", "txt": "text",
}  # fmt: skip
# The named spaces of a patient: what their axes are in right, anterior, superior.
_RAS_OF = {
    **dict.fromkeys(("left-posterior-superior", "lps"), (-1, -1, 1)),
    **dict.fromkeys(("right-anterior-superior", "ras"), (1, 1, 1)),
    **dict.fromkeys(("left-anterior-superior", "las"), (-1, 1, 1)),
}
_MM_PER_UNIT = {
    "mm": 1.0, "millimeter": 1.0, "millimetre": 1.0, "": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001, "micron": 0.001,
}  # fmt: skip


def is_nrrd(start: bytes) -> bool:
    """Whether bytes from a file's beginning are an NRRD header."""
    return start.startswith(b"NRRD000")


def read_nrrd_header(path: Path) -> ImageHeader:
    """Reads and judges a header.

    Raises:
        BadInput: damaged, neither one 3D volume nor layers of a segmentation, or without a plausible place.
        OSError: the file cannot be read.
    """
    content = start_of(path, _MOST_HEADER)
    if not is_nrrd(content):
        raise BadInput(f"{path} is damaged or no NRRD file: copy or export it again.")
    lines, listed, length = _split(content)
    fields = _fields(lines, path)
    sizes = [int(n) for n in fields["sizes"]]
    check_size(tuple(sizes), path)
    spatial = _spatial_axes(fields, sizes, path)
    size = (sizes[spatial[0]], sizes[spatial[1]], sizes[spatial[2]])
    affine = _affine(fields, spatial, path)
    check_geometry(affine, size, path)
    keys = {key: value for key, value in fields.items() if isinstance(value, str)}
    layers = _layers(sizes, spatial, keys, path)
    voxels = _voxels(fields, listed, length, int(np.prod(sizes)), path)
    return ImageHeader(path, "NRRD", voxels, size, affine, layers, keys)


def _split(content: bytes) -> tuple[list[str], list[str], int]:
    """The header's lines, those of a list of data files at its end, and how many bytes it has."""
    lines, length = [], 0
    for line in content.splitlines(keepends=True):
        length += len(line)
        text = line.decode("utf-8", "replace").rstrip()
        if not text:
            break
        lines.append(text)
        if text.lower().replace(" ", "").startswith("datafile:list"):
            return lines, content[length:].decode("utf-8", "replace").splitlines(), length
    return lines, [], length


def _fields(lines: list[str], path: Path) -> dict[str, Any]:
    """Field or key -> value. pynrrd gets one line at a time, so that the message can name the one that is wrong."""
    import nrrd  # here, because most scans are DICOM

    fields: dict[str, Any] = {}
    for line in (line for line in lines[1:] if not line.startswith("#")):
        try:
            with np.errstate(all="ignore"):
                found = nrrd.read_header([lines[0], line])
        except (nrrd.NRRDError, ValueError, TypeError, IndexError, OverflowError) as error:
            raise BadInput(f'{path} is damaged: its header says "{shown(line)}"; copy or export it again.') from error
        if not fields.keys().isdisjoint(found):
            raise BadInput(
                f"{path} is damaged: its header says {shown(next(iter(found)))} twice; copy or export it again."
            )
        fields |= found
    missing = [name for name in ("dimension", "type", "encoding", "sizes") if name not in fields]
    if missing:
        raise BadInput(f"{path} is damaged: its header does not say the {missing[0]}; copy or export it again.")
    if int(fields["dimension"]) != len(fields["sizes"]):
        raise BadInput(f"{path} is damaged: its dimension and its sizes disagree; copy or export it again.")
    return fields


def _spatial_axes(fields: dict[str, Any], sizes: list[int], path: Path) -> list[int]:
    """Which three axes run through the patient."""
    if len(sizes) < 3:
        raise BadInput(f"{path} is a {len(sizes)}D image: a 3D volume is needed.")
    directions = np.asarray(fields.get("space directions", np.empty((0, 3))), float)
    if len(directions) == 0 or len(directions) == 4 == directions.shape[1]:
        if len(sizes) > 3 and sizes[-1] > 1:
            raise BadInput(f"{path} holds {sizes[-1]} volumes: export the one that is to be measured.")
        raise BadInput(f"{path} does not say how the patient lies in it: export it with its orientation.")
    if directions.shape != (len(sizes), 3):
        raise BadInput(f"{path} is damaged: its sizes and its space directions disagree; export it again.")
    spatial = [axis for axis, direction in enumerate(directions) if not np.isnan(direction).all()]
    if len(spatial) != 3:
        raise BadInput(f"{path} has {len(spatial)} axes in space: a volume has three.")
    return spatial


def _affine(fields: dict[str, Any], spatial: list[int], path: Path) -> np.ndarray:
    """From (i, j, k, 1) to RAS mm; each step rounds as ITK does, so that both find voxels at the same place."""
    space = str(fields.get("space", "")).strip().lower()
    if space not in _RAS_OF:
        named = f'only the space "{shown(space)}"' if space else "no space"
        raise BadInput(f"{path} names {named}, not how the patient lies in it: export it with its orientation.")
    origin = np.asarray(fields.get("space origin", ()), float)
    if origin.shape != (3,):
        raise BadInput(f"{path} does not say where its first voxel lies (space origin): export it with its place.")
    x, y, z = columns = np.asarray(fields["space directions"], float)[spatial].T
    mm_per_unit = _mm_per_unit(fields, path)
    with np.errstate(all="ignore"):
        spacing = np.sqrt(x * x + y * y + z * z)
        check_spacing(spacing * mm_per_unit, path)
        affine = np.eye(4)
        affine[:3, :3] = columns * (1 / spacing) * spacing * mm_per_unit
        affine[:3, 3] = origin * mm_per_unit
        affine[:3] *= np.reshape(_RAS_OF[space], (3, 1))
    return affine


def _mm_per_unit(fields: dict[str, Any], path: Path) -> float:
    units = {str(unit).strip().lower() for unit in fields.get("space units", ("mm",))}
    if len(units) != 1 or units - set(_MM_PER_UNIT):
        raise BadInput(f"{path} measures space in {shown(', '.join(sorted(units)))}: export it in mm.")
    return _MM_PER_UNIT[units.pop()]


def _layers(sizes: list[int], spatial: list[int], keys: dict[str, str], path: Path) -> int:
    """How many label maps a segmentation holds; 1 for whatever is a single volume."""
    others = [axis for axis in range(len(sizes)) if axis not in spatial and sizes[axis] > 1]
    if not others:
        return 1
    if others == [0] and any(key.startswith("Segment") for key in keys):
        return sizes[0]
    if others == [len(sizes) - 1]:
        raise BadInput(f"{path} holds {sizes[-1]} volumes: export the one that is to be measured.")
    raise BadInput(f"{path} holds colours or vectors: one number per voxel is needed.")


def _voxels(fields: dict[str, Any], listed: list[str], length: int, count: int, path: Path) -> VoxelBlock:
    kind, encoding = str(fields["type"]).strip().lower(), str(fields["encoding"]).strip().lower()
    if kind not in _TYPES or encoding not in _ENCODINGS:
        raise BadInput(
            f'{path} holds voxels of the type "{shown(kind)}", packed as "{shown(encoding)}": export it as plain NRRD.'
        )
    dtype = np.dtype(_TYPES[kind])
    if dtype.itemsize > 1 and _ENCODINGS[encoding] != "text":
        order = {"little": "<", "big": ">"}.get(str(fields.get("endian", "")).strip().lower())
        if order is None:
            raise BadInput(
                f"{path} is damaged: it does not say in which order its bytes are (endian); export it again."
            )
        dtype = dtype.newbyteorder(order)  # type: ignore[arg-type]
    name = fields.get("data file", fields.get("datafile"))
    files = (path,) if name is None else data_files(path, str(name), listed)
    start = length if name is None else 0
    lines, skipped = (int(fields.get(f"{what} skip", fields.get(f"{what}skip", 0))) for what in ("line", "byte"))
    packed = _ENCODINGS[encoding] in ("gzip", "bzip2")
    if skipped == -1 and _ENCODINGS[encoding] == "raw":
        start, skipped = files[0].stat().st_size - count * dtype.itemsize // len(files), 0
    if lines or start < 0 or not 0 <= skipped <= _MOST_BEFORE_VOXELS:
        raise BadInput(f"{path} skips lines or bytes before its voxels: export it as one plain NRRD file.")
    return VoxelBlock(files, start + (0 if packed else skipped), dtype, _ENCODINGS[encoding], skipped if packed else 0)
