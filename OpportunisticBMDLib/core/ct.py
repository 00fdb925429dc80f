"""A CT as the chain sees it: voxels in HU, and how it was acquired. Never who the patient is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from OpportunisticBMDLib.core.volume import Volume


class ImageKind(str, Enum):
    """What the HU of a CT image are, of those that a density may be read from."""

    CONVENTIONAL = "conventional"  # of one tube voltage; also what nobody calls anything else
    MONOENERGETIC = "virtual monoenergetic"
    BLEND = "blend of two tube voltages"
    UNSTATED = "of a multi-energy scan, energy not stated"


@dataclass(frozen=True)
class Acquisition:
    """How a CT was made and where it was read from; None where the file does not say.

    Args:
        path: the name of the file or folder that was asked for, without where it lies; "CT" where it may tell the
            patient.
        format: "NIfTI", "NRRD", "MetaImage", "DICOM", "3D Slicer scene" or "virtual".
        series_instance_uid: DICOM Series Instance UID (0020,000E).
        series_description: which series, and which acquisition of it, was read, in words.
        kvp: DICOM KVP (0018,0060), kV; None also where it cannot be one, or where there are several.
        kvp_by_user: the file states no voltage: it is the user who does.
        kernel: DICOM Convolution Kernel (0018,1210).
        contrast_agent: DICOM Contrast/Bolus Agent (0018,0010), "yes" where one was given that has no known name; ""
            where DICOM says that there was none.
        scanner: manufacturer and model, DICOM (0008,0070) and (0008,1090).
        scanner_id: which machine of a model, a digest of DICOM Device Serial Number (0018,1000). Only lines of phantoms
            tell it, no result of a patient.
        slice_thickness_mm: DICOM Slice Thickness (0018,0050).
        series_asked: the user named the series by its UID; only then does a result tell it.
        image_kind: what its HU are.
        energy_kev: of a virtual monoenergetic image.
        spectrum: why the tube voltage does not tell the spectrum, in words, e.g. "tin filter".
        contrast_oral_only: the contrast agent was swallowed or given by rectum, none into a vein.
        contrast_hint: what suggests contrast in the veins where no agent is stated, e.g. "portal venous".
        scanned_on: DICOM Acquisition Date (0008,0022), else Study Date (0008,0020), "2026-05-12". Only the line of a
            phantom tells it, no result of a patient.
        month_asked: the user wants the month of the CT to be kept, "2026-05"; only then does a result tell it.
        age_years, sex: of the patient, "female" or "male". No file of results tells them.
        gantry_tilt_degrees: DICOM Gantry/Detector Tilt (0018,1120).
        shear_degrees: by how much the slices were stored aslant, which reading undid; None where they could not be.
        reconstruction: the iterative or learnt one that the header speaks of, in words that are known, e.g. "SAFIRE".
    """

    path: str
    format: str
    series_instance_uid: str | None = None
    series_description: str | None = None
    kvp: float | None = None
    kernel: str | None = None
    contrast_agent: str | None = None
    scanner: str | None = None
    slice_thickness_mm: float | None = None
    series_asked: bool = False
    image_kind: ImageKind = ImageKind.CONVENTIONAL
    energy_kev: float | None = None
    spectrum: str | None = None
    contrast_oral_only: bool = False
    contrast_hint: str | None = None
    scanned_on: str | None = None
    month_asked: bool = False
    scanner_id: str | None = None
    age_years: float | None = None
    sex: str | None = None
    gantry_tilt_degrees: float | None = None
    shear_degrees: float | None = None
    reconstruction: str | None = None
    kvp_by_user: bool = False

    @property
    def month(self) -> str | None:
        """When the CT was made, as far as a result tells it: "2026-05"; None where it does not."""
        return self.scanned_on[:7] if self.scanned_on and self.month_asked else None

    @property
    def contrast_in_veins(self) -> bool | None:
        """Whether a contrast agent reached the marrow; None where that is not known."""
        if self.contrast_agent and not self.contrast_oral_only:
            return True
        if self.contrast_hint is not None or self.contrast_agent is None:
            return None
        return False


@dataclass(frozen=True)
class CT:
    """A CT volume in HU (float32 or int16) with its acquisition."""

    volume: Volume
    acquisition: Acquisition
