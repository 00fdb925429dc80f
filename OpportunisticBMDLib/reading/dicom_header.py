"""What one DICOM file says about itself: its place, its rescaling, how it was acquired. Never who the patient is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.acquisition_facts import (
    IDENTITY,
    contrast_agent_of,
    free_text_of,
    identity_of,
    number_of,
    scanner_of,
    text_of,
    values_of,
)

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_ENHANCED_CT = ("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# Image types (0008,0008) of CT objects that are not slices of HU.
_NOT_SLICES = {
    "LOCALIZER": "localizer",
    "SCREEN SAVE": "screen capture",
    "DOSE_INFO": "dose report",
    "MIP": "projection",
    "MINIP": "projection",
    "MAX_IP": "projection",
    "PROJECTION IMAGE": "projection",
    "VOLUME RENDERING": "rendering",
    "IODINE": "iodine map",
    "VNC": "virtual native image",
}
_TAGS = (
    *IDENTITY, "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "ImageType", "SeriesNumber",
    "SeriesDescription", "AcquisitionNumber", "AcquisitionTime", "AcquisitionDateTime", "ContentTime",
    "TemporalPositionIdentifier", "FrameOfReferenceUID", "Rows", "Columns", "PixelSpacing", "ImagePositionPatient",
    "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept", "RescaleType", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "PixelRepresentation", "SamplesPerPixel", "NumberOfFrames", "BitsAllocated", "KVP",
    "ConvolutionKernel", "SliceThickness", "ContrastBolusAgent", "Manufacturer", "ManufacturerModelName",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class SliceHeader:
    """One axial, oblique or reformatted CT slice.

    Args:
        position: centre of the first voxel, LPS mm, DICOM (0020,0032).
        axes: (2, 3) unit vectors in LPS along a row (columns grow) and along a column (rows grow), at right angles.
        spacing: mm between neighbouring columns and between neighbouring rows.
        size: number of columns and rows.
        padding: least and greatest HU that mark voxels outside the field of view, or None.
        kernel, contrast_agent, scanner, description: free text, None where absent or where it names the patient.
    """

    path: Path
    sop_uid: str
    series_uid: str
    position: np.ndarray
    axes: np.ndarray
    spacing: tuple[float, float]
    size: tuple[int, int]
    padding: tuple[float, float] | None
    image_type: tuple[str, ...]
    series_number: str | None
    description: str | None
    acquisition_number: str | None
    acquisition_time: str | None
    content_time: str | None
    temporal_position: str | None
    frame_of_reference: str | None
    kvp: float | None
    kernel: str | None
    contrast_agent: str | None
    scanner: str | None
    thickness_mm: float | None

    @property
    def normal(self) -> np.ndarray:
        """Unit vector in LPS across the slice; rows, columns and normal make a right-handed system."""
        return np.cross(*self.axes)


@dataclass(frozen=True)
class Excluded:
    """A DICOM file that is no CT slice, and what it is instead, in words."""

    path: Path
    series_uid: str | None
    kind: str


def read_header(path: Path) -> SliceHeader | Excluded | None:
    """Reads one file's header, without its pixels; None where the file is not DICOM.

    Raises:
        BadInput: a CT slice that is damaged or lacks its geometry, or pydicom is not installed.
    """
    if not _is_dicom(path):
        return None
    data = _dataset(path)
    kind = _kind_of_other(data)
    if kind:
        return Excluded(path, text_of(data, "SeriesInstanceUID"), kind)
    try:
        return _slice_header(path, data)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise BadInput(f"{path} is a CT slice without {_what_lacks(data)}: export the series again.") from error


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(132)
    # Old archives left out the preamble; such files begin with group 0008 in little-endian.
    bare = start[:2] == b"\x08\x00" and start[2:4] in (b"\x00\x00", b"\x05\x00", b"\x08\x00")
    return start[128:132] == b"DICM" or bare


def _dataset(path: Path) -> Any:
    try:
        import pydicom  # here, because image files can be read where pydicom is missing
    except ImportError as error:
        raise BadInput(f"{path} is DICOM, and reading it needs pydicom: pip install pydicom.") from error
    try:
        return pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=list(_TAGS))
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise BadInput(f"{path} is a damaged DICOM file: copy it again or remove it.") from error


def _kind_of_other(data: Any) -> str | None:
    """What a DICOM object that is no CT slice is, in words."""
    sop_class, modality = text_of(data, "SOPClassUID") or "", text_of(data, "Modality")
    types = {str(t).upper() for t in values_of(data, "ImageType")}
    if sop_class.startswith(_SECONDARY_CAPTURE):
        return "secondary capture"
    if sop_class in _ENHANCED_CT or int(data.get("NumberOfFrames") or 1) > 1:
        return "multi-frame CT (convert it to single slices first)" if modality == "CT" else f"{modality} image"
    if modality != "CT":
        return f"{modality or 'non-CT'} object"
    if sop_class != CT_IMAGE:
        return "CT object without slices"
    if int(data.get("SamplesPerPixel") or 1) != 1:
        return "colour image"
    if (data.get("RescaleType") or "HU").upper() not in ("HU", "US", "HU_MOD"):
        return f"image in {data.RescaleType} instead of HU"
    return next((name for image_type, name in _NOT_SLICES.items() if image_type in types), None)


def _slice_header(path: Path, data: Any) -> SliceHeader:
    axes = _axes(data.ImageOrientationPatient)
    position = np.array(data.ImagePositionPatient, dtype=float)
    rows_apart, columns_apart = (float(mm) for mm in data.PixelSpacing)
    size = int(data.Columns), int(data.Rows)
    if position.shape != (3,) or not np.isfinite(position).all() or min(rows_apart, columns_apart, *size) <= 0:
        raise ValueError("geometry")
    identity = identity_of(data)
    return SliceHeader(
        path=path,
        sop_uid=str(data.SOPInstanceUID),
        series_uid=str(data.SeriesInstanceUID),
        position=position,
        axes=axes,
        spacing=(columns_apart, rows_apart),
        size=size,
        padding=_padding(data),
        image_type=tuple(str(t).upper() for t in values_of(data, "ImageType")),
        series_number=text_of(data, "SeriesNumber"),
        description=free_text_of(data, "SeriesDescription", identity),
        acquisition_number=text_of(data, "AcquisitionNumber"),
        acquisition_time=text_of(data, "AcquisitionTime") or text_of(data, "AcquisitionDateTime"),
        content_time=text_of(data, "ContentTime"),
        temporal_position=text_of(data, "TemporalPositionIdentifier"),
        frame_of_reference=text_of(data, "FrameOfReferenceUID"),
        kvp=number_of(data, "KVP"),
        kernel=free_text_of(data, "ConvolutionKernel", identity),
        contrast_agent=contrast_agent_of(data, identity),
        scanner=scanner_of(data, identity),
        thickness_mm=number_of(data, "SliceThickness"),
    )


def _axes(orientation: Any) -> np.ndarray:
    """Row and column direction, made exactly perpendicular; ValueError where they are not nearly so."""
    row, column = np.reshape([float(c) for c in orientation], (2, 3))
    cosines = np.array([row @ row, column @ column, row @ column])
    if not np.abs(cosines - (1, 1, 0)).max() < 0.01:
        raise ValueError("orientation")
    row = row / np.linalg.norm(row)
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    return np.array([row, np.cross(normal, row)])


def _padding(data: Any) -> tuple[float, float] | None:
    """Pixel Padding Value (0028,0120) and Range Limit (0028,0121), in HU.

    A padding value that means soft tissue or bone is left alone: some writers put 0 there although 0 HU occurs in
    the patient, and air in place of single voxels of muscle is worse than water outside the field of view.
    """
    first = number_of(data, "PixelPaddingValue")
    if first is None:
        return None
    last = number_of(data, "PixelPaddingRangeLimit")
    stored = np.array([first, first if last is None else last])
    if int(data.get("PixelRepresentation") or 0) == 1:
        stored = np.where(stored > 32767, stored - 65536, stored)
    low, high = sorted(stored * _or(number_of(data, "RescaleSlope"), 1) + _or(number_of(data, "RescaleIntercept"), 0))
    return None if high > -900 and low < 3000 else (float(low), float(high))


def _what_lacks(data: Any) -> str:
    names = {"ImagePositionPatient": "position", "ImageOrientationPatient": "orientation", "PixelSpacing": "spacing"}
    lacking = [name for tag, name in names.items() if not data.get(tag)]
    return " and ".join(lacking) or "a valid geometry"


def _or(number: float | None, default: float) -> float:
    return default if number is None else number
