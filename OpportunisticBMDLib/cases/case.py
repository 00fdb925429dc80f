"""One annotated CT: its voxels, its masks, what is known of it, and how far its annotation has come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume

STATUSES = ("new", "draft", "read", "reviewed")
FINISHED = ("read", "reviewed")  # the statuses whose masks may train and test a network
VIRTUAL_READING = "QCT reading of the noise-free, unblurred patient"
OWN_READING = "QCT reading of the untouched CT"
REFERENCE_SCALE = "QCT reading, HA in water"
SEXES = ("female", "male", "other")

_FORMER_STATUSES = {"to do": "new", "annotated": "read"}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_AGE_BAND = re.compile(r"(\d)0-(?:\1)9|90\+")
_BMD_RANGE = (-100.0, 1000.0)  # mg/cm3; fatty marrow may lie below zero, only teeth above


class Exclusion(str, Enum):
    """The paper's exclusion criteria; the value is what case.json holds."""

    NOT_FOR_QCT = "not_for_qct"
    METAL_OR_CEMENT = "metal_or_cement"
    NOT_COVERED = "vertebrae_not_covered"
    SECONDARY_OSTEOPOROSIS = "secondary_osteoporosis"
    SCHMORLS_NODES = "schmorls_nodes"
    SEVERE_SCOLIOSIS = "severe_scoliosis"
    VASCULAR_CALCIFICATION = "vascular_calcification"

    @property
    def words(self) -> str:
        """The criterion as the paper states it."""
        return _WORDS[self]


_WORDS = {
    Exclusion.NOT_FOR_QCT: "Images cannot be used for QCT analysis",
    Exclusion.METAL_OR_CEMENT: "Metal or bone cement implant",
    Exclusion.NOT_COVERED: "Target vertebrae not completely covered",
    Exclusion.SECONDARY_OSTEOPOROSIS: "Secondary osteoporosis (renal failure, diabetes, hyperparathyroidism)",
    Exclusion.SCHMORLS_NODES: "Schmorl's nodes",
    Exclusion.SEVERE_SCOLIOSIS: "Severe scoliosis",
    Exclusion.VASCULAR_CALCIFICATION: "Vascular calcification",
}


@dataclass(frozen=True)
class CaseInfo:
    """What is known of a case beside its voxels; None where it is unknown.

    Args:
        reference_bmd_mg_cm3: vertebra -> mg/cm3 of hydroxyapatite in water, as QCT reads the middle of the body; a
            vertebra that is missing is unknown.
        reference_method: of what it is a reading and how, e.g. `VIRTUAL_READING`, `OWN_READING` or "QCT"; needed where
            a reference is given.
        reference_scale: `REFERENCE_SCALE`, or None where no reference is given.
        sex: "female", "male" or "other".
        age_band: ten years, e.g. "60-69", or "90+".
        scanner: manufacturer and model.
        kvp: tube voltage in kV.
        kernel: reconstruction kernel.
        exclusions: why the case, or a vertebra of it, should be left out of an evaluation: values of `Exclusion`, or
            other short texts.
        annotator: who or what drew the masks; a role or a program, no patient.
        reviewer: who checked them; somebody else.
        history: what was done to the case, oldest first, without dates.
        patient: a pseudonym that several cases of one patient share; nothing that leads back to the patient.
        contrast: whether a contrast agent was given.
        slice_thickness_mm: as reconstructed.

    Raises:
        ValueError: an unknown vertebra or sex, a density or a kVp that cannot be, a reference without its method or on
            another scale, or a reviewer who is the annotator.
    """

    reference_bmd_mg_cm3: Mapping[str, float | None] = field(default_factory=dict)
    reference_method: str | None = None
    reference_scale: str | None = None
    sex: str | None = None
    age_band: str | None = None
    scanner: str | None = None
    kvp: float | None = None
    kernel: str | None = None
    exclusions: tuple[str, ...] = ()
    annotator: str | None = None
    reviewer: str | None = None
    history: tuple[str, ...] = ()
    patient: str | None = None
    contrast: bool | None = None
    slice_thickness_mm: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.reference_bmd_mg_cm3, Mapping):
            raise ValueError(f"the reference BMD is {self.reference_bmd_mg_cm3!r}, not one of each vertebra")
        given = dict(self.reference_bmd_mg_cm3)
        if unknown := set(given) - set(VERTEBRAE):
            raise ValueError(f"a reference BMD for {', '.join(sorted(unknown))}, which is not T12, L1 or L2")
        known = {name: bmd for name, bmd in given.items() if bmd is not None}
        for name, bmd in known.items():
            _check_number(bmd, f"the reference BMD of {name}", *_BMD_RANGE)
        if known and not self.reference_method:
            raise ValueError("a reference BMD without its reference_method")
        if self.reference_scale not in (None, REFERENCE_SCALE):
            raise ValueError(f"reference_scale is {self.reference_scale!r}, not {REFERENCE_SCALE!r}")
        object.__setattr__(self, "reference_scale", REFERENCE_SCALE if known else None)
        self._check_facts()
        if self.reviewer and self.reviewer == self.annotator:
            raise ValueError(f"the reviewer {self.reviewer!r} is the annotator; another person has to review")
        object.__setattr__(self, "reference_bmd_mg_cm3", {name: given.get(name) for name in VERTEBRAE})
        object.__setattr__(self, "exclusions", tuple(str(getattr(e, "value", e)) for e in self.exclusions))
        object.__setattr__(self, "history", tuple(self.history))

    def _check_facts(self) -> None:
        for name in ("reference_method", "scanner", "kernel", "annotator", "reviewer", "sex", "age_band"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise ValueError(f"{name} is {value!r}, not a text")
        for name in ("exclusions", "history"):
            if isinstance(getattr(self, name), str) or not all(isinstance(text, str) for text in getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)!r}, not a list of texts")
        if self.sex is not None and self.sex not in SEXES:
            raise ValueError(f"sex is {self.sex!r}, not one of {', '.join(SEXES)}")
        if self.age_band is not None and not _AGE_BAND.fullmatch(str(self.age_band)):
            raise ValueError(f"age_band is {self.age_band!r}, not ten years such as '60-69', or '90+'")
        if self.kvp is not None:
            _check_number(self.kvp, "kvp", 40, 200)
        if self.slice_thickness_mm is not None:
            _check_number(self.slice_thickness_mm, "slice_thickness_mm", 0.05, 30)
        if self.contrast is not None and not isinstance(self.contrast, bool):
            raise ValueError(f"contrast is {self.contrast!r}, not true, false or null")
        if self.patient is not None and not is_case_id(str(self.patient)):
            raise ValueError(f"patient is {self.patient!r}, not a pseudonym of letters, digits, '-', '_' and '.'")


@dataclass(frozen=True, eq=False)
class Case:
    """One annotated CT.

    Args:
        id: letters, digits, "-", "_" and "."; it names the folder, never the patient.
        ct: HU.
        labels: cancellous bone on the CT's grid (see `vertebrae.LABELS`).
        info: all else.

    Raises:
        ValueError: an id that cannot name a folder, or labels on another grid.
    """

    id: str
    ct: Volume
    labels: Volume
    info: CaseInfo = field(default_factory=CaseInfo)

    def __post_init__(self) -> None:
        require_case_id(self.id)
        if not self.labels.grid.is_close(self.ct.grid, tolerance_mm=0.05):
            raise ValueError(f"the labels of case {self.id} are not on its CT's grid")


@dataclass(frozen=True)
class Entry:
    """A case's line in dataset.json.

    Args:
        id: the case's folder.
        fold: its part in a cross-validation, from 0 (see `split`); None where none was chosen.
        status: "new" (no masks yet), "draft" (begun), "read" (by the annotator) or "reviewed"; the former names
            "to do" and "annotated" stand for "new" and "read".

    Raises:
        ValueError: another status.
    """

    id: str
    fold: int | None = None
    status: str = "read"

    def __post_init__(self) -> None:
        status = _FORMER_STATUSES.get(self.status, self.status)
        if status not in STATUSES:
            raise ValueError(f"the status of case {self.id} is {self.status!r}, not one of {', '.join(STATUSES)}")
        object.__setattr__(self, "status", status)

    @property
    def is_finished(self) -> bool:
        """Whether its masks may train and test a network."""
        return self.status in FINISHED


def is_case_id(text: str) -> bool:
    """Whether a text can name a case's folder, a reader's file or a patient's pseudonym."""
    return bool(_ID.fullmatch(text))


def require_case_id(text: str) -> None:
    """Raises ValueError where a text cannot name a case's folder."""
    if not is_case_id(text):
        raise ValueError(f"a case id has letters, digits, '-', '_' and '.' only, got {text!r}")


def age_band_of(years: float) -> str:
    """The ten years that an age lies in; 90 and above are one band, as so few people are that old."""
    decade = int(years // 10) * 10
    return "90+" if decade >= 90 else f"{decade:02d}-{decade + 9:02d}"


def _check_number(value: Any, what: str, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{what} is {value!r}, not a number of {low:g} to {high:g}")
