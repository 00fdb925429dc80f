"""What header values tell of an acquisition, whatever holds them; never who the patient is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.tube_voltage import possible_voltage
from OpportunisticBMDLib.reading.facts.contrast_words import (
    CONTRAST_TAGS,
    contrast_agent_of,
    contrast_hint_of,
    is_oral_only,
)
from OpportunisticBMDLib.reading.facts.header_values import date_of, number_of, numbers_of, text_of, values_of
from OpportunisticBMDLib.reading.facts.identifying import holds_identity
from OpportunisticBMDLib.reading.facts.kind_of_image import KIND_TAGS, Measurable, kind_of_image
from OpportunisticBMDLib.reading.facts.known_words import known_in_series, known_kernel, known_scanner
from OpportunisticBMDLib.reading.facts.patient import PATIENT_TAGS, age_years_of, sex_of
from OpportunisticBMDLib.reading.facts.reconstruction import RECONSTRUCTION_TAGS, reconstruction_of
from OpportunisticBMDLib.system.printable import printable

IDENTITY = (
    "PatientName", "PatientID", "PatientBirthDate", "OtherPatientNames", "OtherPatientIDs", "PatientBirthName",
    "AccessionNumber",
)  # fmt: skip
FACT_TAGS = tuple(dict.fromkeys((
    *IDENTITY, *KIND_TAGS, *CONTRAST_TAGS, *PATIENT_TAGS, *RECONSTRUCTION_TAGS, "SeriesInstanceUID",
    "SeriesDescription", "KVP", "FilterType", "FilterMaterial", "ConvolutionKernel", "SliceThickness",
    "Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "GantryDetectorTilt",
)))  # fmt: skip
DICOM = "DICOM"
UNNAMED = "CT"
ID_LENGTH = 16  # hexadecimal digits
TIN = "tin filter"
_TIN = re.compile(r"(?<![a-z])(?:sn ?\d{0,3}|tin)(?![a-z])", re.IGNORECASE)  # in the words for a filter
_TIN_VOLTAGE = re.compile(
    r"(?<![a-z0-9])(?:sn ?(?:80|1\d0)|(?:80|1\d0) ?(?:kvp? ?)?sn|tin filter\w*)(?![a-z0-9])", re.IGNORECASE
)
_AS_AT_120_KVP = re.compile(r"Sa\d\d", re.IGNORECASE)  # Siemens Artificial120


def acquisition_of_header(data: Any, name: str, format: str) -> Acquisition:
    """How one image was acquired.

    Args:
        data: DICOM keyword -> value, e.g. a pydicom dataset; `FACT_TAGS` are looked at, the patient's own only to
            leave out texts that repeat them.
        name: of the file, folder or node.
        format: as `Acquisition` has it.

    Raises:
        ValueError: an image that no density may be read from; the message says what it is.
    """
    identity = identity_of(data)
    kind = kind_of_image(data)
    if not isinstance(kind, Measurable):
        raise ValueError(kind)
    return Acquisition(
        path=shown_name(name, identity),
        format=format,
        series_instance_uid=text_of(data, "SeriesInstanceUID"),
        series_description=known_in_series(text_of(data, "SeriesDescription"), identity),
        kvp=voltage_of(data),
        kernel=known_kernel(text_of(data, "ConvolutionKernel"), identity),
        contrast_agent=contrast_agent_of(data, identity),
        scanner=scanner_of(data, identity),
        slice_thickness_mm=number_of(data, "SliceThickness"),
        image_kind=kind.kind,
        energy_kev=kind.energy_kev,
        spectrum=spectrum_of(data),
        contrast_oral_only=is_oral_only(data),
        contrast_hint=contrast_hint_of(data, identity),
        scanned_on=date_of(data, "AcquisitionDate") or date_of(data, "StudyDate"),
        scanner_id=scanner_id_of(data),
        age_years=age_years_of(data),
        sex=sex_of(data),
        gantry_tilt_degrees=number_of(data, "GantryDetectorTilt"),
        reconstruction=reconstruction_of(data),
    )


def identity_of(data: Any) -> tuple[str, ...]:
    """Every part of the patient's names, numbers and birth date, in lower case."""
    texts = (str(value) for tag in IDENTITY for value in values_of(data, tag))
    return tuple(part for text in texts for part in re.split(r"[\s^=,;._/\\-]+", text.lower()) if part)


def shown_name(name: str, identity: tuple[str, ...] = ()) -> str:
    """The name of a file, folder or node, unless it may tell who the patient is."""
    return UNNAMED if not name or holds_identity(name, identity) else printable(name)


def voltage_of(data: Any) -> float | None:
    """kV; None where it is not stated, cannot be one, or several are stated."""
    return possible_voltage(number_of(data, "KVP"))


def spectrum_of(data: Any) -> str | None:
    """Why the tube voltage does not tell the spectrum; None where nothing says so."""
    voltages = sorted({kv for kv in numbers_of(data, "KVP") if possible_voltage(kv)})
    if len(voltages) > 1:
        return several_voltages(voltages)
    filters = " ".join(filter(None, (text_of(data, "FilterType"), text_of(data, "FilterMaterial"))))
    texts = " ".join(filter(None, (text_of(data, tag) for tag in ("ConvolutionKernel", "SeriesDescription"))))
    if _TIN.search(filters) or _TIN_VOLTAGE.search(texts.replace("_", " ")):
        return TIN
    kernel = _AS_AT_120_KVP.match(text_of(data, "ConvolutionKernel") or "")
    return f"kernel {kernel.group()}, which shows calcium as at 120 kVp" if kernel else None


def several_voltages(voltages: Iterable[float]) -> str:
    """ "80 and 140 kV in one series"."""
    return f"{' and '.join(f'{kv:g}' for kv in voltages)} kV in one series"


def scanner_of(data: Any, identity: tuple[str, ...]) -> str | None:
    parts = (known_scanner(text_of(data, tag), identity) for tag in ("Manufacturer", "ManufacturerModelName"))
    return " ".join(part for part in parts if part) or None


def scanner_id_of(data: Any) -> str | None:
    """Tells machines of one model apart, without their serial number; None where the header has none."""
    if text_of(data, "DeviceSerialNumber") is None:
        return None
    told = (text_of(data, tag) or "" for tag in ("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber"))
    return hashlib.sha256("\n".join(told).encode("utf-8", "replace")).hexdigest()[:ID_LENGTH]
