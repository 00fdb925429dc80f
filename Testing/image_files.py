"""Image files written field by field, so that a test can leave a field out or get it wrong."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import SimpleITK as sitk

SIZE = (24, 20, 16)
# Offsets of fields in a NIfTI-1 header.
DIM, DATATYPE, BITPIX, PIXDIM, VOX_OFFSET, SLOPE = 40, 70, 72, 80, 108, 112
UNITS, QFORM_CODE, SFORM_CODE, QUATERN, QOFFSET, SROW = 123, 252, 254, 256, 268, 280


def body(size: tuple[int, int, int] = SIZE, seed: int = 0) -> np.ndarray:
    """HU of air, fat, muscle and bone with noise, different in every voxel's neighbourhood."""
    random = np.random.default_rng(seed)
    array = random.choice([-1000, -100, 50, 180, 900], size, p=[0.2, 0.3, 0.3, 0.15, 0.05])
    return (array + random.integers(-20, 20, size)).astype(np.int16)


def raw(array: np.ndarray | None = None) -> bytes:
    """The bytes of an image, the first axis fastest."""
    return (body() if array is None else array).tobytes("F")


def nrrd_file(path: Path, data: bytes | None = None, after: str = "", **fields: str | None) -> Path:
    """A NRRD file of `body`, 2 x 2 x 3 mm; fields by name with _ for a space, None leaves one out."""
    stated: dict[str, str | None] = {
        "type": "short", "dimension": "3", "space": "left-posterior-superior", "sizes": "24 20 16",
        "space directions": "(2,0,0) (0,2,0) (0,0,3)", "kinds": "domain domain domain", "endian": "little",
        "encoding": "raw", "space origin": "(0,0,0)",
    }  # fmt: skip
    stated |= {name.replace("_", " "): value for name, value in fields.items()}
    lines = [f"{name}: {value}\n" for name, value in stated.items() if value is not None]
    path.write_bytes(f"NRRD0004\n{''.join(lines)}{after}\n".encode() + (raw() if data is None else data))
    return path


def metaimage_file(path: Path, data: bytes | None = None, **fields: str | None) -> Path:
    """A MetaImage file of `body`, 2 x 2 x 3 mm; None leaves a field out."""
    stated: dict[str, str | None] = {
        "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False", "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "0 0 0", "ElementSpacing": "2 2 3",
        "DimSize": "24 20 16", "ElementType": "MET_SHORT", "ElementDataFile": "LOCAL",
    } | fields  # fmt: skip
    stated["ElementDataFile"] = stated.pop("ElementDataFile")  # the last one
    lines = [f"{name} = {value}\n" for name, value in stated.items() if value is not None]
    path.write_bytes("".join(lines).encode() + (raw() if data is None else data))
    return path


def nifti_file(path: Path, array: np.ndarray | None = None, spacing: tuple[float, float, float] = (2, 2, 3)) -> Path:
    """A NIfTI-1 file as SimpleITK writes it."""
    image = sitk.GetImageFromArray(np.ascontiguousarray((body() if array is None else array).transpose(2, 1, 0)))
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))
    return path


def patched(path: Path, offset: int, kind: str, *values: float) -> Path:
    """Overwrites fields of a NIfTI-1 header, packed or not."""
    is_packed = path.read_bytes()[:2] == b"\x1f\x8b"
    content = bytearray(gzip.decompress(path.read_bytes()) if is_packed else path.read_bytes())
    struct.pack_into(kind, content, offset, *values)
    path.write_bytes(gzip.compress(bytes(content), 1) if is_packed else content)
    return path
