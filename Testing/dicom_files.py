"""Writes real DICOM files from arrays, as scanners send them and as they should not."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from OpportunisticBMDLib.core.grid import LPS_FROM_RAS
from OpportunisticBMDLib.core.volume import Volume

_LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT")  # representations whose lengths have four bytes
AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def write_slice(path: Path, hu: np.ndarray, position: Sequence[float], **attributes: object) -> Path:
    """Writes one slice.

    Args:
        hu: (rows, columns).
        position: LPS mm of the first voxel.
        attributes: `axes` (row and column direction), `spacing` (between columns, between rows), `slope`,
            `intercept`, `compress` (a transfer syntax), and any DICOM keyword; None leaves a keyword out.
    """
    axes = attributes.pop("axes", AXIAL)
    spacing = attributes.pop("spacing", (2.0, 2.0))
    slope, intercept = attributes.pop("slope", 1.0), attributes.pop("intercept", -1024.0)
    compress = attributes.pop("compress", None)
    stored = np.rint((np.asarray(hu, dtype=float) - intercept) / slope).astype(np.int16)

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = attributes.get("SOPClassUID", CTImageStorage)
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = meta.MediaStorageSOPClassUID
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = attributes.pop("SOPInstanceUID", generate_uid())
    data.Modality, data.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.PatientName, data.PatientID, data.PatientBirthDate = "Mustermann^Erika", "PID-4711", "19380515"
    data.SeriesInstanceUID, data.StudyInstanceUID = "1.2.3.4.5", "1.2.3.4"
    data.SeriesNumber, data.AcquisitionNumber, data.InstanceNumber = 3, 1, 1
    data.FrameOfReferenceUID = "1.2.3.4.6"
    data.Manufacturer, data.ManufacturerModelName = "ACME", "Scanner 64"
    data.KVP, data.ConvolutionKernel, data.SliceThickness = "120", "STANDARD", "3"
    data.ImagePositionPatient = [f"{x:.6f}" for x in position]
    data.ImageOrientationPatient = [f"{x:.9f}" for x in np.ravel(axes)]
    data.PixelSpacing = [f"{spacing[1]:.6f}", f"{spacing[0]:.6f}"]
    data.Rows, data.Columns = stored.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.RescaleSlope, data.RescaleIntercept, data.RescaleType = str(slope), str(intercept), "HU"
    data.PixelData = stored.tobytes()
    for keyword, value in attributes.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    if compress:
        data.compress(compress)
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, data, enforce_file_format=True)
    return path


def write_stack(
    folder: Path,
    volume: np.ndarray,
    *,
    origin: Sequence[float] = (-30.0, -40.0, 100.0),
    axes: Sequence[Sequence[float]] = AXIAL,
    spacing: Sequence[float] = (2.0, 2.0, 3.0),
    heights: Sequence[float] | None = None,
    shear: Sequence[float] = (0.0, 0.0, 0.0),
    prefix: str = "slice",
    **attributes: object,
) -> list[Path]:
    """Writes a volume as one file per slice, named in an order that has nothing to do with position.

    Args:
        volume: HU indexed [i, j, k] = [column, row, slice].
        spacing: mm along i, j and k.
        heights: mm of each slice along the normal; even steps otherwise.
        shear: LPS mm that each slice is shifted by per mm of height (tilted gantry).
        attributes: as for `write_slice`; a callable is called with the slice's number.
    """
    normal = np.cross(*np.asarray(axes))
    heights = np.arange(volume.shape[2]) * spacing[2] if heights is None else heights
    names = np.random.default_rng(0).permutation(volume.shape[2])
    return [
        write_slice(
            folder / f"{prefix}{names[k]:03}.dcm",
            volume[:, :, k].T,
            np.asarray(origin) + height * (normal + np.asarray(shear)),
            axes=axes,
            spacing=spacing[:2],
            InstanceNumber=int(names[k]) + 1,
            **{key: value(k) if callable(value) else value for key, value in attributes.items()},
        )
        for k, height in enumerate(heights)
    ]


def write_volume(folder: Path, volume: Volume, **attributes: object) -> list[Path]:
    """Writes a volume where it lies, one file per slice; a left-handed one with its slices in the other order.

    Args:
        attributes: as for `write_stack`.
    """
    lps, array = LPS_FROM_RAS @ volume.grid.affine, volume.array
    if np.linalg.det(lps) < 0:
        lps, array = lps @ _flipped(array.shape[2]), array[..., ::-1]
    spacing = volume.grid.spacing
    axes = (lps[:3, :2] / spacing[:2]).T
    return write_stack(folder, array, origin=lps[:3, 3], axes=axes, spacing=tuple(spacing), **attributes)


def _flipped(slices: int) -> np.ndarray:
    """4 x 4, from an index among slices in the other order to that among slices as they were."""
    matrix = np.diag([1.0, 1.0, -1.0, 1.0])
    matrix[2, 3] = slices - 1
    return matrix


def pack(path: Path, compressor: str) -> None:
    """Compresses a slice as ITK does it, by "JPEG" or "JPEG2000", without loss."""
    data, packed = pydicom.dcmread(path), path.with_name("packed")
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(packed))
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor(compressor)
    writer.Execute(sitk.GetImageFromArray(data.pixel_array[None].astype(np.int16)))
    compressed = pydicom.dcmread(packed)
    packed.unlink()
    data.file_meta.TransferSyntaxUID = compressed.file_meta.TransferSyntaxUID
    data["PixelData"] = compressed["PixelData"]
    data.save_as(path)


def alter(path: Path, change: Callable[[FileDataset], object]) -> None:
    """Writes a file again after a change to its elements."""
    data = pydicom.dcmread(path)
    change(data)
    data.save_as(path, enforce_file_format=True)


def put_raw(path: Path, keyword: str, vr: bytes, value: bytes) -> None:
    """Replaces an element, or adds it before its greater ones, by bytes that pydicom would not write."""
    content = path.read_bytes()
    start = 144 + struct.unpack("<I", content[140:144])[0]  # after the file meta information
    tag = tag_for_keyword(keyword)
    length = struct.pack("<HI", 0, len(value)) if vr in _LONG else struct.pack("<H", len(value))
    element = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr) + length + value
    at = start
    while at < len(content):
        group, number, found, length = struct.unpack("<HH2sH", content[at : at + 8])
        end = at + 8 + length
        if found in _LONG:
            end = at + 12 + struct.unpack("<I", content[at + 8 : at + 12])[0]
        if group << 16 | number >= tag:
            end = end if group << 16 | number == tag else at
            break
        at = end
    path.write_bytes(content[:at] + element + content[end:])
