"""NIfTI, NRRD and MetaImage files, CTs and masks alike: the header is judged first, then just its voxels are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading.coverage import check_coverage
from OpportunisticBMDLib.reading.facts.acquisition_facts import shown_name
from OpportunisticBMDLib.reading.headers import ImageHeader, format_by_content, format_by_name, read_header
from OpportunisticBMDLib.reading.hounsfield import hounsfield
from OpportunisticBMDLib.reading.voxels import read_voxels

# The cosine of an angle between axes that rounding in a header explains; more is a shear.
_SHEAR_TOLERANCE = 0.01


def is_image_file(path: Path) -> bool:
    """Whether a file is a NIfTI, NRRD or MetaImage file, or has the name of one."""
    return format_of(path) is not None


def format_of(path: Path) -> str | None:
    """ "NIfTI", "NRRD" or "MetaImage" by a file's content; by its name where the content tells nothing."""
    try:
        return format_by_content(path) or format_by_name(path)
    except OSError:
        return format_by_name(path)


def read_image_file(path: Path) -> CT:
    """Reads one volume.

    Raises:
        BadInput: damaged, not 3D, colour, sheared, without a place of its own, too small, or not in HU.
        OSError: it cannot be read, or is no ordinary file.
    """
    if path.name.lower().endswith(".seg.nrrd"):
        raise BadInput(f"{path} is a segmentation: name the CT that it belongs to.")
    header = read_header(path)
    if is_segmentation(header):
        raise BadInput(f"{path} is a segmentation: name the CT that it belongs to.")
    grid = grid_of(header)
    _check_own_place(grid, path)
    check_coverage(grid, str(path))
    array = hounsfield(read_voxels(header), str(path))
    return CT(Volume(array, grid), Acquisition(shown_name(path.name), header.format))


def _check_own_place(grid: Grid, path: Path) -> None:
    """Programs write 1 mm steps from 0 along the array's axes where they know nothing; no scanner does."""
    if np.array_equal(np.abs(grid.affine), np.eye(4)):
        raise BadInput(
            f"{path} has voxels of exactly 1 mm and begins at 0, 0, 0, as a file does that lost its place: export it "
            "with its own spacing, orientation and origin."
        )


def read_volume(path: Path) -> Volume:
    """Reads one volume of whatever values.

    Raises:
        BadInput: damaged, not 3D, colour, sheared, or without patient orientation.
        OSError: it cannot be read, or is no ordinary file.
    """
    header = read_header(path)
    if header.layers > 1:
        raise BadInput(f"{path} holds {header.layers} label maps: export the one that is meant.")
    return Volume(read_voxels(header), grid_of(header))


def is_segmentation(header: ImageHeader) -> bool:
    """Whether it is of 3D Slicer's segmentations (.seg.nrrd), which list their segments."""
    return any(key.startswith("Segment0_") for key in header.keys)


def grid_of(header: ImageHeader) -> Grid:
    """The grid with axes at exact right angles.

    Raises:
        BadInput: that would move voxels notably.
    """
    affine = header.affine.copy()
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    cosines = affine[:3, :3] / spacing
    if np.abs(cosines.T @ cosines - np.eye(3)).max() > _SHEAR_TOLERANCE:
        raise BadInput(f"{header.path} has a sheared grid: resample it to an orthogonal one.")
    u, _, vt = np.linalg.svd(cosines)
    affine[:3, :3] = (u @ vt) * spacing
    return Grid(header.size, affine)
