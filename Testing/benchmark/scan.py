"""The CT that is measured, as a child makes it: a virtual patient, 512 x 512 x N, int16 with noise.

`python -m Testing.benchmark.scan FOLDER N...` writes FOLDER/N.nii, and with --series the first also as DICOM series.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.uid import JPEGLSLossless

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.virtual.patient import virtual_patient
from Testing.dicom_files import alter, write_stack

PATIENT = 1  # a trunk with contrast agent at 120 kVp
SIDE = 512  # voxels
NOISE_HU = 10.0
SLAB = 50  # slices at a time: what is made beside the voxels stays small


def scan_of(source: Volume, slices: int) -> Volume:
    """The same body in so many slices."""
    grid = _grid(source.grid, slices)
    rng = np.random.default_rng(0)
    array = np.empty(grid.size, np.int16, order="F")  # as a file has it: slice after slice
    for first in range(0, slices, SLAB):
        part = grid.cropped((0, 0, first), (SIDE, SIDE, min(SLAB, slices - first)))
        clean = source.resampled(part).array
        noisy = clean + NOISE_HU * rng.standard_normal(clean.shape, np.float32)
        array[:, :, first : first + SLAB] = np.rint(np.maximum(noisy, -1024))
    return Volume(array, grid)


def _grid(body: Grid, slices: int) -> Grid:
    """Around the same centre, with square pixels."""
    size = np.array((SIDE, SIDE, slices))
    spacing = np.array(body.size) * body.spacing / size
    spacing[:2] = spacing[:2].max()
    affine = np.eye(4)
    affine[:3, :3] = body.affine[:3, :3] / body.spacing * spacing
    affine[:3, 3] = body.ras_of((np.array(body.size) - 1) / 2) - affine[:3, :3] @ ((size - 1) / 2)
    return Grid(tuple(size), affine)


def series_forms() -> list[str]:
    """How the slices of a DICOM series can be stored here; only the package pyjpegls writes JPEG-LS."""
    has_jpeg_ls = pydicom.pixels.get_encoder(JPEGLSLossless).is_available
    return ["uncompressed", "JPEG lossless", *(["JPEG-LS"] if has_jpeg_ls else [])]


def write_series(folder: Path, scan: Volume, form: str) -> None:
    """One file for each slice, axial, in one of the `series_forms`."""
    array, spacing = scan.array[::-1, ::-1], scan.grid.spacing.tolist()  # towards left and back, as DICOM has it
    files = write_stack(folder, array, spacing=spacing, compress=JPEGLSLossless if form == "JPEG-LS" else None)
    if form == "JPEG lossless":
        for file in files:
            _pack(file)


def _pack(file: Path) -> None:
    """By GDCM, whose pixels are put into the file as it is."""
    packed = file.with_name("packed")
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(packed))
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG")
    writer.Execute(sitk.GetImageFromArray(pydicom.dcmread(file).pixel_array[None]))
    other = pydicom.dcmread(packed)

    def put(data: pydicom.FileDataset) -> None:
        data.file_meta.TransferSyntaxUID = other.file_meta.TransferSyntaxUID
        data["PixelData"] = other["PixelData"]

    alter(file, put)
    packed.unlink()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("slices", type=int, nargs="+")
    parser.add_argument("--series", type=Path, metavar="DIR")
    options = parser.parse_args()
    body = virtual_patient(PATIENT).ct
    for number, slices in enumerate(options.slices):
        scan = scan_of(body, slices)
        nibabel.save(nibabel.Nifti1Image(scan.array, scan.grid.affine), options.folder / f"{slices}.nii")
        if options.series and number == 0:
            for form in series_forms():
                write_series(options.series / form, scan, form)


if __name__ == "__main__":
    main()
