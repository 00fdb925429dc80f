"""What objects take over from the slices that were measured: patient, study, geometry.

This is the one place where a patient's identity is read to be kept: the objects belong to that patient's study. Nothing
of it may reach another file, a message or a log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage
from pydicom.valuerep import DA, TM, validate_value

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS, Grid
from OpportunisticBMDLib.dicom.objects.unheard import unheard
from OpportunisticBMDLib.reading.facts.header_values import number_of, text_of
from OpportunisticBMDLib.reading.series.dicom_file import read_elements
from OpportunisticBMDLib.reading.series.source_slices import SourceSlices

# PS3.3: C.7.1.1 Patient, C.7.2.1 General Study, C.7.2.2 Patient Study.
# By these an archive knows patient and study: taken over as they are, be they too long, so that an object belongs where
# its slices do.
_KNOWN_BY = ("PatientName", "PatientID", "StudyID", "AccessionNumber", "IssuerOfPatientID")
# Of type 2: there even where they are empty.
_TYPE_2 = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName",
    "StudyID", "AccessionNumber",
)  # fmt: skip
_OPTIONAL = (
    "IssuerOfPatientID", "PatientBirthTime", "OtherPatientNames", "EthnicGroup", "PatientComments",
    "PatientIdentityRemoved", "DeidentificationMethod", "StudyDescription", "PatientAge", "PatientSize",
    "PatientWeight",
)  # fmt: skip
_WORDS = {"PatientSex": ("M", "F", "O"), "PatientIdentityRemoved": ("YES", "NO")}
_SEPARATORS = {"DA": ".", "TM": ":"}  # in dates and times of files from before 1993 (PS3.5, 6.2)
_SAME = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")  # in all slices
_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_OTHERS = ("SOPInstanceUID", "SliceThickness", "InstanceNumber", "Rows", "Columns", "SpecificCharacterSet")
_KEYWORDS = (*_TYPE_2, *_OPTIONAL, *_SAME, *_GEOMETRY, *_OTHERS)
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")  # PS3.5, 9.1
_LONGEST_UID = 64
_KINDS = {"DA": DA, "TM": TM}  # which know more of days and hours than how many digits they have
_AS_THERE = "as the source images"
_UTF8 = "ISO_IR 192"


@dataclass(frozen=True, eq=False)
class SourceSeries:
    """The slices as objects refer to them.

    Args:
        images: one for each slice in order, with what is taken over from it; its text in UTF-8. Where the slices are
            the planes of the CT they lie exactly where these do: positions are rounded in files.
        are_planes: see `SourceSlices`.
    """

    images: tuple[Dataset, ...] = field(repr=False)
    are_planes: bool

    @property
    def first(self) -> Dataset:
        return self.images[0]


def read_source(slices: SourceSlices, grid: Grid) -> SourceSeries:
    """Reads the headers of the slices.

    Args:
        grid: of the CT that was read from them.

    Raises:
        BadInput: a slice is gone or exchanged, lacks an identifier, or they are not of one study, series and frame of
            reference.
    """
    with unheard():
        return _read(slices, grid)


def _read(slices: SourceSlices, grid: Grid) -> SourceSeries:
    images = [_image(path, slices.folder, uid) for path, uid in zip(slices.paths, slices.sop_uids)]
    for keyword in _SAME:
        if len({image[keyword].value for image in images}) > 1:
            raise BadInput(
                f"The slices in {slices.folder} differ in {keyword}, so no object can refer to them as one series: "
                "export the series again, or leave out --dicom."
            )
    if len({image.SOPInstanceUID for image in images}) < len(images):
        raise BadInput(f"Slices in {slices.folder} share a SOPInstanceUID: export the series again.")
    for k, image in enumerate(images):
        image.SliceThickness = image.get("SliceThickness") or _decimal(grid.spacing[2])
        if slices.are_planes:
            _place(image, grid, k)
    return SourceSeries(tuple(images), slices.are_planes)


def _image(path: Path, folder: Path, sop_uid: str | None) -> Dataset:
    try:
        file = read_elements(path, _KEYWORDS)
        if file is None or text_of(file.data, "SOPInstanceUID") != sop_uid:
            raise ValueError("another file")
        return _taken_over(file.data, path)
    except (OSError, KeyError, TypeError, ValueError) as error:  # a damaged file's is a ValueError too
        raise BadInput(f"{path} is gone or changed since it was measured: measure {folder} again.") from error


def _taken_over(values: Mapping[str, Any], path: Path) -> Dataset:
    image = Dataset()
    image.SpecificCharacterSet = _UTF8
    image.SOPClassUID, image.Modality = CTImageStorage, "CT"
    for keyword in ("SOPInstanceUID", *_SAME):
        setattr(image, keyword, _uid(values, keyword, path))
    for keyword in _TYPE_2:
        setattr(image, keyword, _text(values, keyword))
    for keyword in _OPTIONAL:
        if text := _text(values, keyword):
            setattr(image, keyword, text)
    if image.get("PatientIdentityRemoved") == "YES" and "DeidentificationMethod" not in image:
        image.DeidentificationMethod = _AS_THERE  # needed then; theirs may be a sequence of codes
    image.Rows, image.Columns = int(values["Rows"]), int(values["Columns"])
    for keyword in _GEOMETRY:
        setattr(image, keyword, [_decimal(x) for x in values[keyword]])
    thickness_mm = number_of(values, "SliceThickness")
    if thickness_mm is not None and thickness_mm > 0:
        image.SliceThickness = _decimal(thickness_mm)
    return image


def _uid(values: Mapping[str, Any], keyword: str, path: Path) -> str:
    uid = text_of(values, keyword) or ""
    if not _UID.fullmatch(uid) or len(uid) > _LONGEST_UID:
        raise BadInput(f"{path} has no valid {keyword}, so no object can refer to it: leave out --dicom.")
    return uid


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


def _place(image: Dataset, grid: Grid, plane: int) -> None:
    """Puts a slice where a plane of the grid lies."""
    lps = LPS_FROM_RAS @ grid.affine
    axes = lps[:3, :2] / grid.spacing[:2]
    image.ImagePositionPatient = [_decimal(x) for x in lps[:3, 3] + plane * lps[:3, 2]]
    image.ImageOrientationPatient = [_decimal(x) for x in np.ravel(axes.T)]
    image.PixelSpacing = [_decimal(grid.spacing[1]), _decimal(grid.spacing[0])]


def _decimal(number: float) -> str:
    """A decimal string of at most 16 characters (PS3.5, 6.2)."""
    text = f"{float(number):.10g}"
    return text if len(text) <= 16 else f"{float(number):.8g}"
