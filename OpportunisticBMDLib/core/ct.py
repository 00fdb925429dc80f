"""A CT as the chain sees it: voxels in HU, and how it was acquired. Never who the patient is."""

from __future__ import annotations

from dataclasses import dataclass

from OpportunisticBMDLib.core.volume import Volume


@dataclass(frozen=True)
class Acquisition:
    """How a CT was made and where it was read from; None where the file does not say.

    Args:
        path: the path that was asked for.
        format: "NIfTI", "NRRD", "MetaImage", "DICOM", "3D Slicer scene" or "virtual".
        series_instance_uid: DICOM Series Instance UID (0020,000E).
        series_description: which series, and which acquisition of it, was read, in words.
        kvp: DICOM KVP (0018,0060), kV.
        kernel: DICOM Convolution Kernel (0018,1210).
        contrast_agent: DICOM Contrast/Bolus Agent (0018,0010); "" where DICOM says that there was none.
        scanner: manufacturer and model, DICOM (0008,0070) and (0008,1090).
        slice_thickness_mm: DICOM Slice Thickness (0018,0050).
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


@dataclass(frozen=True)
class CT:
    """A CT volume in HU (float32 or int16) with its acquisition."""

    volume: Volume
    acquisition: Acquisition
