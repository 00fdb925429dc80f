"""Where those fields of NIfTI headers lie that are read. nibabel knows them too, and takes a second to import."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

# Name: type and offset in bytes, as nifti1.h and nifti2.h have them.
_NIFTI_1 = {
    "dim": ("8i2", 40), "datatype": ("i2", 70), "bitpix": ("i2", 72), "pixdim": ("8f4", 76), "vox_offset": ("f4", 108),
    "scl_slope": ("f4", 112), "scl_inter": ("f4", 116), "xyzt_units": ("u1", 123),
    "qform_code": ("i2", 252), "sform_code": ("i2", 254),
    "quatern_b": ("f4", 256), "quatern_c": ("f4", 260), "quatern_d": ("f4", 264),
    "qoffset_x": ("f4", 268), "qoffset_y": ("f4", 272), "qoffset_z": ("f4", 276),
    "srow_x": ("4f4", 280), "srow_y": ("4f4", 296), "srow_z": ("4f4", 312), "magic": ("S4", 344),
}  # fmt: skip
_NIFTI_2 = {
    "magic": ("S4", 4), "datatype": ("i2", 12), "bitpix": ("i2", 14), "dim": ("8i8", 16), "pixdim": ("8f8", 104),
    "vox_offset": ("i8", 168), "scl_slope": ("f8", 176), "scl_inter": ("f8", 184),
    "qform_code": ("i4", 344), "sform_code": ("i4", 348),
    "quatern_b": ("f8", 352), "quatern_c": ("f8", 360), "quatern_d": ("f8", 368),
    "qoffset_x": ("f8", 376), "qoffset_y": ("f8", 384), "qoffset_z": ("f8", 392),
    "srow_x": ("4f8", 400), "srow_y": ("4f8", 432), "srow_z": ("4f8", 464), "xyzt_units": ("i4", 500),
}  # fmt: skip


def nifti_fields(header: bytes, order: str) -> np.void:
    """The fields of a header, by name.

    Args:
        header: 348 bytes of NIfTI-1, or 540 of NIfTI-2.
        order: of its bytes, "<" or ">".
    """
    fields = {348: _NIFTI_1, 540: _NIFTI_2}[len(header)]
    layout = _layout(fields, len(header)).newbyteorder(order)  # type: ignore[arg-type]
    return np.frombuffer(header, layout)[0]


def _layout(fields: Mapping[str, tuple[str, int]], length: int) -> np.dtype:
    types, offsets = zip(*fields.values())
    return np.dtype({"names": list(fields), "formats": types, "offsets": offsets, "itemsize": length})
