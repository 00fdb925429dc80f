"""A CT becomes a case without its patient: only voxels, grid and a short list of facts are taken over.

Nothing is deleted from a header here: no header is kept. A case is written anew from the voxels (see
`store.write_case`), with the facts that `info_of` lets through: kVp, kernel, contrast yes or no, manufacturer and
model, slice thickness, sex, and the age in bands of ten years. Its id is a running number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.cases.case import CaseInfo, age_band_of
from OpportunisticBMDLib.cases.files import locked
from OpportunisticBMDLib.cases.identity import traces
from OpportunisticBMDLib.cases.store import CASES, add_scan
from OpportunisticBMDLib.core.ct import CT, Acquisition, ImageKind
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.tube_voltage import possible_voltage
from OpportunisticBMDLib.reading.facts.identifying import holds_identity
from OpportunisticBMDLib.reading.facts.known_words import known_kernel, known_scanner
from OpportunisticBMDLib.reading.facts.patient import age_years_of
from OpportunisticBMDLib.reading.series.dicom_file import DamagedFileError, read_elements
from OpportunisticBMDLib.reading.series.dicom_folder import files_below

LONGEST_TEXT = 64
_SEXES = {"F": "female", "M": "male", "O": "other"}
_IDENTITY = ("PatientName", "PatientID", "OtherPatientIDs", "OtherPatientNames", "PatientBirthDate", "AccessionNumber")
_SUBJECT_TAGS = (*_IDENTITY, "Modality", "PatientSex", "PatientAge", "StudyDate")


def info_of(acquisition: Acquisition, subject: Mapping[str, Any], patient: str | None = None) -> CaseInfo:
    """The facts about a scan that a case may hold.

    Args:
        acquisition: how it was made; path, series UID and description are not taken over.
        subject: DICOM keywords (PatientSex, PatientAge or PatientBirthDate and StudyDate) -> values; empty where
            unknown. What else it holds (names, ids) is only used to find these in texts.
        patient: a pseudonym that joins several cases of one patient.

    Raises:
        BadInput: the pseudonym gives the patient away, or cannot be one; or a case cannot say what its HU are.
    """
    if acquisition.image_kind is ImageKind.MONOENERGETIC:
        raise BadInput("A virtual monoenergetic image cannot become a case; add the conventional series of the scan.")
    identity = _identity(subject)
    if patient is not None and (traces(patient) or _mentions(patient, identity)):
        raise BadInput("The pseudonym holds a name, a date or a number of the patient; choose another one.")
    age = age_years_of(subject)
    try:
        return CaseInfo(
            sex=_SEXES.get(str(subject.get("PatientSex") or "").strip().upper()),
            age_band=None if age is None else age_band_of(age),
            scanner=_harmless(known_scanner(acquisition.scanner, identity), identity),
            # A blend is made to look like 120 kVp, as a case of unknown voltage is read.
            kvp=None if acquisition.image_kind is ImageKind.BLEND else possible_voltage(acquisition.kvp),
            exclusions=() if acquisition.spectrum is None else (acquisition.spectrum,),
            kernel=_harmless(known_kernel(acquisition.kernel, identity), identity),
            patient=patient,
            contrast=acquisition.contrast_in_veins,
            slice_thickness_mm=_within(acquisition.slice_thickness_mm, 0.05, 30),
            history=("added without identity",),
        )
    except ValueError as error:
        raise BadInput(f"The case cannot be added: {error}.") from error


def add_ct(directory: str | Path, ct: CT, subject: Mapping[str, Any], patient: str | None = None) -> str:
    """Adds a CT to a dataset as a new case, and gives its id: "case-0001" and on."""
    info = info_of(ct.acquisition, subject, patient)
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with locked(directory):
        case_id = next_id(directory)
        add_scan(directory, case_id, ct.volume, info)
    return case_id


def next_id(directory: str | Path) -> str:
    """The running number that no case has yet."""
    cases = Path(directory) / CASES
    taken = {path.name for path in cases.iterdir()} if cases.is_dir() else set()
    number = 1
    while f"case-{number:04d}" in taken:
        number += 1
    return f"case-{number:04d}"


def subject_in(folder: Path) -> dict[str, Any]:
    """Sex, age and, to keep them out, the patient's names and numbers from the first CT file of a DICOM folder."""
    for path in files_below(folder):
        try:
            file = read_elements(path, _SUBJECT_TAGS)
        except (OSError, DamagedFileError):
            continue
        if file is not None and file.data.get("Modality") == "CT":
            return {tag: str(file.data.get(tag) or "") for tag in _SUBJECT_TAGS}
    return {}


def _identity(subject: Mapping[str, Any]) -> tuple[str, ...]:
    """Every part of the patient's names and numbers, in lower case."""
    texts = " ".join(str(subject.get(tag) or "") for tag in _IDENTITY).lower()
    return tuple(texts.replace("^", " ").replace("=", " ").replace("\\", " ").split())


def _mentions(text: str, identity: Collection[str]) -> bool:
    return holds_identity(text, tuple(identity))


def _harmless(text: str | None, identity: Collection[str]) -> str | None:
    """What is known of a text typed at the scanner, unless it holds who the patient is or goes on for too long."""
    if not text or len(text) > LONGEST_TEXT or traces(text) or _mentions(text, identity):
        return None
    return text


def _within(number: float | None, low: float, high: float) -> float | None:
    return number if number is not None and low <= number <= high else None
