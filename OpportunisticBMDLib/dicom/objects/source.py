"""What objects take over from the slices that were measured: patient, study, geometry.

They belong to that patient's study, and so say who the patient is. Nothing of it may reach another file, a message or a
log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM, validate_value

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS, Grid
from OpportunisticBMDLib.dicom.objects.unheard import unheard
from OpportunisticBMDLib.reading.facts.header_values import number_of, text_of
from OpportunisticBMDLib.reading.series.dicom_header import SliceHeader
from OpportunisticBMDLib.reading.series.source_slices import OPTIONAL_OF_THEM, PATIENT_AND_STUDY, SourceSlices

# By these an archive knows patient and study: taken over as they are, be they too long, so that an object belongs where
# its slices do.
_KNOWN_BY = ("PatientName", "PatientID", "StudyID", "AccessionNumber", "IssuerOfPatientID")
_WORDS = {"PatientSex": ("M", "F", "O"), "PatientIdentityRemoved": ("YES", "NO")}
_SEPARATORS = {"DA": ".", "TM": ":"}  # in dates and times of files from before 1993 (PS3.5, 6.2)
_SAME = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")  # in all slices
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")  # PS3.5, 9.1
_LONGEST_UID = 64
_KINDS = {"DA": DA, "TM": TM}  # which know more of days and hours than how many digits they have
_NO_REFERENCE = "no DICOM object can refer to them: export the series again, or leave such objects out"
_AS_THERE = "as the source images"
_UTF8 = "ISO_IR 192"


@dataclass(frozen=True, eq=False)
class SourceSeries:
    """The slices as objects refer to them.

    Args:
        images: one for each slice in order, with what is taken over from it; its text in UTF-8. Where the slices are
            the planes of the CT they lie exactly where these do: positions are rounded in files.
        frames: which of its file each slice is, from 1; None where it is a file of its own.
        are_planes: see `SourceSlices.are_planes_of`.
    """

    images: tuple[Dataset, ...] = field(repr=False)
    frames: tuple[int | None, ...] = field(repr=False)
    are_planes: bool

    @property
    def first(self) -> Dataset:
        return self.images[0]

    @property
    def has_frames(self) -> bool:
        """Whether slices share files."""
        return any(frame is not None for frame in self.frames)

    @property
    def files(self) -> list[Dataset]:
        """One image for each file."""
        return list({image.SOPInstanceUID: image for image in self.images}.values())


def source_series(slices: SourceSlices, grid: Grid) -> SourceSeries:
    """What objects take over from the slices.

    Args:
        grid: of the CT that was read from them.

    Raises:
        BadInput: a file is gone or exchanged, lacks an identifier, or they are not of one study, series and frame of
            reference.
    """
    slices.check_unchanged()
    with unheard():
        return _series(slices, grid)


def _series(slices: SourceSlices, grid: Grid) -> SourceSeries:
    patient = _patient(slices.patient)
    images = [_image(patient, s, slices) for s in slices.stack.slices]
    for keyword in _SAME:
        if len({image[keyword].value for image in images}) > 1:
            raise BadInput(f"The slices in {slices.path} differ in {keyword}, so {_NO_REFERENCE}.")
    frames = [s.frame for s in slices.stack.slices]
    if len({(image.SOPInstanceUID, frame) for image, frame in zip(images, frames)}) < len(images):
        raise BadInput(f"Slices in {slices.path} share a SOPInstanceUID: export the series again.")
    are_planes = slices.are_planes_of(grid)
    for k, (image, s) in enumerate(zip(images, slices.stack.slices)):
        _place(image, *(_plane(grid, k) if are_planes else (s.position, s.axes, s.spacing)))
        thickness_mm = s.thickness_mm if s.thickness_mm is not None and s.thickness_mm > 0 else grid.spacing[2]
        image.SliceThickness = _decimal(thickness_mm)
    return SourceSeries(tuple(images), tuple(frames), are_planes)


def _patient(values: Mapping[str, Any]) -> Dataset:
    """And the study."""
    patient = Dataset()
    patient.SpecificCharacterSet = _UTF8
    for keyword in PATIENT_AND_STUDY:
        setattr(patient, keyword, _text(values, keyword))
    for keyword in OPTIONAL_OF_THEM:
        if text := _text(values, keyword):
            setattr(patient, keyword, text)
    if patient.get("PatientIdentityRemoved") == "YES" and "DeidentificationMethod" not in patient:
        patient.DeidentificationMethod = _AS_THERE  # needed then; theirs may be a sequence of codes
    return patient


def _image(patient: Dataset, s: SliceHeader, slices: SourceSlices) -> Dataset:
    image = Dataset()
    image.update(patient)
    image.SOPClassUID, image.Modality = s.own.sop_class, "CT"
    uids = (s.own.sop_uid, s.own.study_uid, s.own.series_uid, s.own.frame_of_reference)
    for keyword, uid in zip(("SOPInstanceUID", *_SAME), uids):
        if uid is None or not _UID.fullmatch(uid) or len(uid) > _LONGEST_UID:
            raise BadInput(f"{s.name} in {slices.path} has no valid {keyword}, so {_NO_REFERENCE}.")
        setattr(image, keyword, uid)
    image.Columns, image.Rows = s.size
    return image


def _text(values: Mapping[str, Any], keyword: str) -> str:
    """Empty where there is none, or one that its kind does not allow."""
    text, vr = text_of(values, keyword) or "", dictionary_VR(keyword)
    if vr == "DS":
        number = number_of(values, keyword)
        return _decimal(number) if number else ""
    if vr in _SEPARATORS:
        text = text.replace(_SEPARATORS[vr], "")
    if keyword in _KNOWN_BY or (_is_valid(vr, text) and text in _WORDS.get(keyword, (text,))):
        return text
    return ""


def _is_valid(vr: str, text: str) -> bool:
    try:
        validate_value(vr, text, RAISE)
        if vr in _KINDS:
            _KINDS[vr](text)
    except ValueError:
        return False
    return True


def _plane(grid: Grid, k: int) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """Where plane k of a grid lies, as `SliceHeader` says it: position, axes and spacing."""
    lps = LPS_FROM_RAS @ grid.affine
    columns_mm, rows_mm, _ = grid.spacing
    return lps[:3, 3] + k * lps[:3, 2], (lps[:3, :2] / (columns_mm, rows_mm)).T, (columns_mm, rows_mm)


def _place(image: Dataset, position: np.ndarray, axes: np.ndarray, spacing: tuple[float, float]) -> None:
    image.ImagePositionPatient = [_decimal(x) for x in position]
    image.ImageOrientationPatient = [_decimal(x) for x in axes.ravel()]
    image.PixelSpacing = [_decimal(mm) for mm in reversed(spacing)]


def _decimal(number: float) -> str:
    """A decimal string of at most 16 characters (PS3.5, 6.2)."""
    text = f"{float(number):.10g}"
    return text if len(text) <= 16 else f"{float(number):.8g}"
