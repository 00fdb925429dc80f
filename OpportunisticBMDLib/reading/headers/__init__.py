"""Headers of image files: told apart by their content, read in bounds, and judged before any voxel is unpacked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.headers.header import ImageHeader, VoxelBlock
from OpportunisticBMDLib.reading.headers.metaimage import is_metaimage, read_metaimage_header
from OpportunisticBMDLib.reading.headers.nifti import is_nifti, read_nifti_header
from OpportunisticBMDLib.reading.headers.nrrd import is_nrrd, read_nrrd_header
from OpportunisticBMDLib.reading.headers.start import is_gzip, start_of

__all__ = ["ImageHeader", "VoxelBlock", "format_by_content", "format_by_name", "read_header"]

_ENOUGH = 4096
_RECOGNIZED = {"NIfTI": is_nifti, "NRRD": is_nrrd, "MetaImage": is_metaimage}
_READ: dict[str, Callable[[Path], ImageHeader]] = {
    "NIfTI": read_nifti_header,
    "NRRD": read_nrrd_header,
    "MetaImage": read_metaimage_header,
}
_SUFFIXES = {
    ".nii": "NIfTI",
    ".nii.gz": "NIfTI",
    ".nrrd": "NRRD",
    ".nhdr": "NRRD",
    ".mha": "MetaImage",
    ".mhd": "MetaImage",
}


def read_header(path: Path) -> ImageHeader:
    """Reads the header of a NIfTI, NRRD or MetaImage file, whatever its name.

    Raises:
        BadInput: damaged, another format, not a single volume, or without a stated and plausible place.
        OSError: the file cannot be read, or is no ordinary file.
    """
    kind = format_by_content(path) or format_by_name(path)
    if kind is None:
        raise BadInput(f"{path} is neither NIfTI, NRRD nor MetaImage: name such a file.")
    if kind != "NIfTI" and is_gzip(path):
        raise BadInput(f"{path} is packed with gzip as a whole: unpack it first.")
    return _READ[kind](path)


def format_by_content(path: Path) -> str | None:
    """ "NIfTI", "NRRD", "MetaImage", or None for everything else.

    Raises:
        OSError: the file cannot be read, or is no ordinary file.
    """
    start = start_of(path, _ENOUGH)
    return next((kind for kind, recognizes in _RECOGNIZED.items() if recognizes(start)), None)


def format_by_name(path: Path) -> str | None:
    """What the suffix promises; None for other suffixes."""
    name = path.name.lower()
    return next((kind for suffix, kind in _SUFFIXES.items() if name.endswith(suffix)), None)
