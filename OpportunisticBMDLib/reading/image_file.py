"""NIfTI, NRRD and MetaImage files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading.coverage import check_coverage
from OpportunisticBMDLib.reading.hounsfield import hounsfield
from OpportunisticBMDLib.reading.nifti_voxels import check_nifti_voxels, qform_handedness

_FORMATS = {
    ".nii": "NIfTI",
    ".nii.gz": "NIfTI",
    ".nrrd": "NRRD",
    ".nhdr": "NRRD",
    ".mha": "MetaImage",
    ".mhd": "MetaImage",
}
# The cosine of an angle between axes that rounding in a header explains; more is a shear.
_SHEAR_TOLERANCE = 0.01


def is_image_file(path: Path) -> bool:
    """Whether the name is that of a NIfTI, NRRD or MetaImage file."""
    return format_of(path) is not None


def read_image_file(path: Path) -> CT:
    """Reads one volume.

    Raises:
        BadInput: damaged, not 3D, colour, sheared, without patient orientation, too small, or not in HU.
    """
    if path.name.lower().endswith(".seg.nrrd"):
        raise BadInput(f"{path} is a segmentation: name the CT that it belongs to.")
    kind = format_of(path) or "image"
    if kind == "NIfTI":
        check_nifti_voxels(path)
    image = _single_volume(_load(path), path)
    _check_patient_orientation(image, path)
    grid = _orthogonal(Grid.of_sitk(image), path)
    _check_forms(image, grid, path)
    check_coverage(grid, str(path))
    array = hounsfield(sitk.GetArrayFromImage(image), str(path)).transpose(2, 1, 0)
    return CT(Volume(array, grid), Acquisition(path=str(path), format=kind))


def format_of(path: Path) -> str | None:
    name = path.name.lower()
    return next((kind for suffix, kind in _FORMATS.items() if name.endswith(suffix)), None)


def _load(path: Path) -> sitk.Image:
    try:
        with _lenient_sform():
            return sitk.ReadImage(str(path))
    except RuntimeError as error:
        if "orthonormal" in str(error):
            raise BadInput(f"{path} has a sheared or singular grid: resample it to an orthogonal one.") from error
        raise BadInput(f"{path} is damaged or no {format_of(path)} file: copy or export it again.") from error


@contextmanager
def _lenient_sform() -> Iterator[None]:
    """Lets ITK round a NIfTI sform that is orthogonal but for rounding; `_check_forms` then judges by how much.

    ITK offers this only as an environment variable, https://docs.itk.org (ITK 5.3, NiftiImageIO).
    """
    name = "ITK_NIFTI_SFORM_PERMISSIVE"
    before = os.environ.get(name)
    os.environ[name] = "ON"
    warnings = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(warnings)
        os.environ.pop(name) if before is None else os.environ.__setitem__(name, before)


def _single_volume(image: sitk.Image, path: Path) -> sitk.Image:
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise BadInput(f"{path} holds colours or vectors: a CT has one number in HU per voxel.")
    while image.GetDimension() > 3:
        count = image.GetSize()[-1]
        if count != 1:
            raise BadInput(f"{path} holds {count} volumes: export the one that is to be measured.")
        image = _first_of_last_axis(image)
    if image.GetDimension() < 3:
        raise BadInput(f"{path} is a 2D image: a CT volume is needed.")
    return image


def _first_of_last_axis(image: sitk.Image) -> sitk.Image:
    volume = sitk.Extract(image, [*image.GetSize()[:-1], 0], [0] * image.GetDimension())
    for key in image.GetMetaDataKeys():
        volume.SetMetaData(key, image.GetMetaData(key))
    return volume


def _check_patient_orientation(image: sitk.Image, path: Path) -> None:
    """A header that names no patient axes would be read as one that lies in some default way, perhaps upside down."""
    codes = [image.GetMetaData(k) for k in ("qform_code", "sform_code") if image.HasMetaDataKey(k)]
    nrrd = image.HasMetaDataKey("ITK_InputFilterName") and image.GetMetaData("ITK_InputFilterName") == "NrrdImageIO"
    unknown = bool(codes) and all(int(code) <= 0 for code in codes)
    if unknown or (nrrd and not image.HasMetaDataKey("NRRD_space")):
        raise BadInput(f"{path} does not say how the patient lies in it: export it with its orientation.")


def _orthogonal(grid: Grid, path: Path) -> Grid:
    """The grid with axes at exact right angles; refused where that would move voxels notably."""
    cosines = grid.affine[:3, :3] / grid.spacing
    u, _, vt = np.linalg.svd(cosines)
    if np.abs(cosines.T @ cosines - np.eye(3)).max() > _SHEAR_TOLERANCE:
        raise BadInput(f"{path} has a sheared grid: resample it to an orthogonal one.")
    affine = grid.affine.copy()
    affine[:3, :3] = (u @ vt) * grid.spacing
    return Grid(grid.size, affine)


def _check_forms(image: sitk.Image, grid: Grid, path: Path) -> None:
    """A NIfTI header may hold two geometries, of which ITK takes one: both have to describe the same axes."""
    taken = grid.affine[:3, :3] / grid.spacing
    if _form_code(image, "sform") > 0:
        srow = [image.GetMetaData(f"srow_{axis}").split() for axis in "xyz"]
        sform = np.array(srow, dtype=float)[:, :3] / grid.spacing
        if np.abs(sform.T @ sform - np.eye(3)).max() > _SHEAR_TOLERANCE:
            raise BadInput(f"{path} has a sheared or scaled sform: resample it to an orthogonal grid.")
        _check_same_axes(sform, taken, path)
    if _form_code(image, "qform") > 0:
        _check_same_axes(_qform_axes(image, qform_handedness(path)), taken, path)


def _check_same_axes(axes: np.ndarray, taken: np.ndarray, path: Path) -> None:
    """Registration turns an image a little; a flip, or another axis, is an error."""
    if np.diag(axes.T @ taken).min() < np.cos(np.radians(45)):
        raise BadInput(f"{path} holds two orientations that contradict each other, sform and qform: export it again.")


def _form_code(image: sitk.Image, form: str) -> int:
    return int(image.GetMetaData(f"{form}_code")) if image.HasMetaDataKey(f"{form}_code") else 0


def _qform_axes(image: sitk.Image, handedness: int) -> np.ndarray:
    """RAS directions of i, j, k (columns) by the quaternion of the NIfTI header, method 2 of the standard."""
    b, c, d = (float(image.GetMetaData(f"quatern_{name}")) for name in "bcd")
    a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
    axes = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    return axes * (1, 1, handedness)
