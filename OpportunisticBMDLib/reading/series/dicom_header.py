"""What one DICOM file says about itself: its place, its rescaling, how it was acquired. Never who the patient is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.facts.acquisition_facts import DICOM, FACT_TAGS, acquisition_of_header, identity_of
from OpportunisticBMDLib.reading.facts.header_values import number_of, numbers_of, text_of, values_of
from OpportunisticBMDLib.reading.facts.kind_of_image import CT_IMAGE, MULTI_FRAME_CT, kind_of_image
from OpportunisticBMDLib.reading.series.dicom_file import DamagedFileError, DicomFile, read_elements
from OpportunisticBMDLib.reading.series.frames import WrongFramesError, frames_of
from OpportunisticBMDLib.reading.series.identifiers import IDENTIFIER_TAGS, Identifiers
from OpportunisticBMDLib.reading.series.stored_pixels import PIXEL_TAGS, StoredPixels, stored_pixels

_TAGS = (
    *FACT_TAGS, *PIXEL_TAGS, *IDENTIFIER_TAGS, "SeriesNumber", "AcquisitionNumber", "AcquisitionTime",
    "AcquisitionDateTime", "ContentTime", "TemporalPositionIdentifier", "StackID", "PixelSpacing",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelPaddingValue", "PixelPaddingRangeLimit",
)  # fmt: skip
# What decides whether and where a slice shows what in HU: without one of them that is there, nothing is assumed.
_DECISIVE = (
    *PIXEL_TAGS, "SOPClassUID", "Modality", "ImageType", "SeriesInstanceUID", "PixelSpacing", "ImagePositionPatient",
    "ImageOrientationPatient", "RescaleType", "PixelPaddingValue", "PixelPaddingRangeLimit", "NumberOfFrames",
)  # fmt: skip
# No scanner's table is as long, and no detector's pixels are as large: a wrong digit, or another unit.
_FARTHEST_MM = 10_000.0
_LARGEST_SPACING_MM = 10.0


@dataclass(frozen=True, eq=False)
class SliceHeader:
    """One axial, oblique or reformatted CT slice: a file, or a frame of one.

    Args:
        frame: its number, from 1, in a file of many; None in one of its own.
        own: what the file says of itself, whatever its slices are taken to belong to.
        series_uid: "" where the file does not say.
        position: centre of the first voxel, LPS mm, DICOM (0020,0032).
        axes: (2, 3) unit vectors in LPS along a row (columns grow) and along a column (rows grow), at right angles.
        spacing: mm between neighbouring columns and between neighbouring rows.
        size: number of columns and rows.
        pixels: how they are stored.
        padding: least and greatest HU that mark voxels outside the field of view, or None.
        description, kernel: as they were typed, only to tell slices apart; what may be shown is in `acquisition`.
        acquisition: what the header tells of it; its path is the file's own.
        identity: parts of the patient's name and numbers; never shown, only to keep them out of what is.
    """

    path: Path
    frame: int | None
    own: Identifiers
    series_uid: str
    position: np.ndarray
    axes: np.ndarray
    spacing: tuple[float, float]
    size: tuple[int, int]
    pixels: StoredPixels
    padding: tuple[float, float] | None
    image_type: tuple[str, ...]
    series_number: str | None
    description: str | None
    acquisition_number: str | None
    acquisition_time: str | None
    content_time: str | None
    temporal_position: str | None
    stack_id: str | None
    frame_of_reference: str | None
    kvp: float | None
    kernel: str | None
    contrast_agent: str | None
    thickness_mm: float | None
    acquisition: Acquisition
    identity: tuple[str, ...] = field(repr=False)

    @cached_property
    def normal(self) -> np.ndarray:
        """Unit vector in LPS across the slice; rows, columns and normal make a right-handed system."""
        return np.cross(*self.axes)

    @property
    def key(self) -> tuple[str, int]:
        """Another one for every slice; in the order of files and frames."""
        return str(self.path), self.frame or 0

    @property
    def where(self) -> str:
        """Its file, and which frame of it, for the beginning of a message."""
        return of_frame(str(self.path), self.frame)

    @property
    def name(self) -> str:
        """The same without the folder."""
        return of_frame(self.path.name, self.frame)


def of_frame(file: str, frame: int | None) -> str:
    """In words; the file alone where it has only one."""
    return file if frame is None else f"{file} (frame {frame})"


@dataclass(frozen=True, eq=False)
class Excluded:
    """A DICOM file that is no CT slice, and what it is instead, in words.

    Args:
        position: LPS mm of the first voxel, None where it has none.
    """

    path: Path
    series_uid: str | None
    kind: str
    position: np.ndarray | None = None


@dataclass(frozen=True)
class Damaged:
    """A file that cannot be understood.

    Args:
        series_uid: None where the file does not say.
        is_slice: it says that it is a slice of a CT.
        why: a sentence, with its path.
        kind: what it is, for a count.
    """

    path: Path
    series_uid: str | None
    is_slice: bool
    why: str
    kind: str = "damaged file"


def read_headers(path: Path) -> tuple[SliceHeader | Excluded | Damaged, ...]:
    """Reads what one file holds, without its pixels: a slice, or each frame of many; nothing where it is not DICOM.

    Raises:
        BadInput: pydicom is not installed.
    """
    try:
        file = read_elements(path, _TAGS)
    except OSError as error:
        if path.exists() and not path.is_file():  # a pipe or a device has nothing to do with a CT
            return ()
        why = f"{path} cannot be opened: {error.strerror or error}."
        return (Damaged(path, None, False, why, "file that cannot be opened"),)
    except ImportError as error:
        raise BadInput(f"{path} is DICOM, and reading it needs pydicom: pip install pydicom.") from error
    except DamagedFileError as error:
        is_slice = f"{CT_IMAGE}\0".encode() in error.start
        return (Damaged(path, None, is_slice, f"{path} is a damaged DICOM file: copy it again or remove it."),)
    if file is None:
        return ()
    if text_of(file.data, "SOPClassUID") in MULTI_FRAME_CT:
        return _of_frames(path, file)
    return (_classified(path, file),)


def _of_frames(path: Path, file: DicomFile) -> tuple[SliceHeader | Excluded | Damaged, ...]:
    try:
        return tuple(_classified(path, frame) for frame in frames_of(path, file, _TAGS))
    except Exception as error:  # as in `_classified`
        what = error if isinstance(error, WrongFramesError) else "that is damaged"
        why = f"{path} is an enhanced CT {what}: export the series again."
        return (Damaged(path, text_of(file.data, "SeriesInstanceUID"), True, why, "damaged enhanced CT"),)


def _classified(path: Path, file: DicomFile) -> SliceHeader | Excluded | Damaged:
    data, series_uid = file.data, text_of(file.data, "SeriesInstanceUID")
    sop_class, modality = text_of(data, "SOPClassUID"), text_of(data, "Modality")
    if sop_class is None and modality is None:
        return Damaged(path, series_uid, False, f"{path} is a damaged DICOM file: copy it again or remove it.")
    try:
        if sop_class in (CT_IMAGE, *MULTI_FRAME_CT, None):
            _check_whole(file)
        kind = kind_of_image(data)
        if isinstance(kind, str):
            return Excluded(path, series_uid, kind, _position_of(data))
        return _slice_header(path, file)
    except Exception as error:  # pydicom converts what a sequence holds when it is looked at, and raises many kinds
        where = of_frame(str(path), file.frame)
        why = f"{where} is a CT slice {_what_is_wrong(data, error)}: export the series again."
        is_slice = (sop_class or modality) in (CT_IMAGE, *MULTI_FRAME_CT, "CT")
        return Damaged(path, series_uid, is_slice, why, "damaged slice")


def _check_whole(file: DicomFile) -> None:
    broken = [keyword for keyword in file.broken if keyword in _DECISIVE]
    if broken:
        raise _WrongError(f"whose {' and '.join(broken)} cannot be understood")
    if file.is_too_deep:
        raise _WrongError("with sequences nested deeper than anything needs")
    if file.pixels_at is None:
        raise _WrongError("without pixels, as if it was cut off")


def _position_of(data: Any) -> np.ndarray | None:
    numbers = numbers_of(data, "ImagePositionPatient")
    return np.array(numbers) if len(numbers) == 3 else None


class _WrongError(ValueError):
    """What is wrong with a slice, in words that follow "is a CT slice"."""


def _what_is_wrong(data: Any, error: Exception) -> str:
    return str(error) if isinstance(error, _WrongError) else f"without {_what_lacks(data)}"


def _slice_header(path: Path, file: DicomFile) -> SliceHeader:
    data = file.data
    axes = _axes(data["ImageOrientationPatient"])
    position = np.array(data["ImagePositionPatient"], dtype=float)
    rows_apart, columns_apart = (float(mm) for mm in data["PixelSpacing"])
    if position.shape != (3,):
        raise ValueError("geometry")
    if not np.abs(position).max() <= _FARTHEST_MM:
        raise _WrongError(f"with a position that cannot be ({', '.join(f'{mm:g}' for mm in position)} mm)")
    if not (0 < rows_apart <= _LARGEST_SPACING_MM and 0 < columns_apart <= _LARGEST_SPACING_MM):
        raise _WrongError(f"with a pixel spacing that cannot be ({rows_apart:g} and {columns_apart:g} mm)")
    try:
        pixels = stored_pixels(file)
    except ValueError as error:
        raise _WrongError(f"with {error}") from error
    acquisition = acquisition_of_header(data, path.name, DICOM)
    return SliceHeader(
        path=path,
        frame=file.frame,
        own=Identifiers.of(data),
        series_uid=text_of(data, "SeriesInstanceUID") or "",
        position=position,
        axes=axes,
        spacing=(columns_apart, rows_apart),
        size=pixels.size,
        pixels=pixels,
        padding=_padding(data, pixels),
        image_type=tuple(str(t).upper() for t in values_of(data, "ImageType")),
        series_number=text_of(data, "SeriesNumber"),
        description=text_of(data, "SeriesDescription"),
        acquisition_number=text_of(data, "AcquisitionNumber"),
        acquisition_time=text_of(data, "AcquisitionTime") or text_of(data, "AcquisitionDateTime"),
        content_time=text_of(data, "ContentTime"),
        temporal_position=text_of(data, "TemporalPositionIdentifier"),
        stack_id=text_of(data, "StackID"),
        frame_of_reference=text_of(data, "FrameOfReferenceUID"),
        kvp=number_of(data, "KVP"),
        kernel=text_of(data, "ConvolutionKernel"),
        contrast_agent=acquisition.contrast_agent,
        thickness_mm=acquisition.slice_thickness_mm,
        acquisition=acquisition,
        identity=identity_of(data),
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


def _padding(data: Any, pixels: StoredPixels) -> tuple[float, float] | None:
    """Pixel Padding Value (0028,0120) and Range Limit (0028,0121), in HU.

    A padding value that means soft tissue or bone is left alone: some writers put 0 there although 0 HU occurs in
    the patient, and air in place of single voxels of muscle is worse than water outside the field of view.
    """
    first = number_of(data, "PixelPaddingValue")
    if first is None:
        return None
    last = number_of(data, "PixelPaddingRangeLimit")
    stored = np.array([first, first if last is None else last])
    if pixels.is_signed:
        stored = np.where(stored > 32767, stored - 65536, stored)
    low, high = sorted(stored * pixels.slope + pixels.intercept)
    return None if high > -900 and low < 3000 else (float(low), float(high))


def _what_lacks(data: Any) -> str:
    names = {"ImagePositionPatient": "position", "ImageOrientationPatient": "orientation", "PixelSpacing": "spacing"}
    lacking = [name for tag, name in names.items() if not data.get(tag)]
    return " and ".join(lacking) or "a valid geometry"
