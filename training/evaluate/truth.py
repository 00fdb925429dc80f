"""What is true of a case, and where cases come from: virtual cohorts and annotated datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from OpportunisticBMDLib.ct import CT
from OpportunisticBMDLib.result import Calibration
from OpportunisticBMDLib.vertebrae import VERTEBRAE
from OpportunisticBMDLib.volume import Volume
from training.dataset import Case, CaseInfo, age_band_of, open_dataset
from training.dataset.hardest import acquisition_of
from training.evaluate.cases import Facts
from training.virtual.cohorts import PREFIXES
from training.virtual.scanner import scanner_line

if TYPE_CHECKING:
    from training.virtual.parameters import PatientParameters
    from training.virtual.patient import VirtualPatient

UNSEEN_SEED = 900_000  # fits draw from far lower seeds
COHORTS = tuple(PREFIXES)


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known of a case.

    Args:
        id: of the case.
        labels: cancellous bone on the CT's own grid (see `vertebrae.LABELS`).
        bmd_mg_cm3: by vertebra, as QCT reads it; absent or None where it is unknown, or cannot be measured.
        facts: of patient and scan.
        seed: of a virtual patient.
        not_measurable: vertebrae that nobody could measure in this scan, e.g. because they hold cement.
        scanner_line: HU from density on this very scanner, as a phantom would give it; None where it is unknown.
    """

    id: str
    labels: Volume
    bmd_mg_cm3: Mapping[str, float | None]
    facts: Facts = field(default_factory=Facts)
    seed: int | None = None
    not_measurable: frozenset[str] = frozenset()
    scanner_line: Calibration | None = None

    @classmethod
    def of_patient(cls, patient: VirtualPatient) -> Truth:
        """All that is true of a virtual patient."""
        seed, scan = patient.parameters.seed, patient.parameters.scan
        return cls(
            id=str(seed),
            labels=patient.labels,
            bmd_mg_cm3=patient.bmd_mg_cm3,
            facts=facts_of_parameters(patient.parameters),
            seed=seed,
            not_measurable=frozenset(patient.not_measurable),
            scanner_line=scanner_line(scan.kvp, scan.slope, scan.offset),
        )

    @classmethod
    def of_case(cls, case: Case) -> Truth:
        """What the annotators of a case say."""
        return cls(case.id, case.labels, case.info.reference_bmd_mg_cm3, facts_of_info(case.info))


def facts_of_parameters(parameters: PatientParameters) -> Facts:
    """The facts by which results are grouped."""
    return Facts(
        sex=parameters.sex,
        age_band=age_band_of(parameters.age),
        size=parameters.size,
        kvp=parameters.scan.kvp,
        slice_thickness_mm=parameters.scan.slice_thickness,
        contrast=parameters.contrast,
        scanner="virtual",
        variants=variants_of(parameters),
    )


def variants_of(parameters: PatientParameters) -> tuple[str, ...]:
    """What makes a virtual patient's spine unusual; `figures.NUMBERING_VARIANTS` names the first two."""
    names = [vertebra.name for vertebra in parameters.vertebrae]
    measured = [vertebra for vertebra in parameters.vertebrae if vertebra.name in VERTEBRAE]
    implants = {implant.kind for implant in parameters.implants}
    signs = {
        "13 ribs": max(parameters.body.rib13) > 0,
        "6 lumbar vertebrae": "L6" in names,
        "fracture": any(vertebra.fracture for vertebra in measured),
        "cement": "cement" in implants,
        "metal": bool(implants - {"cement"}),
    }
    return tuple(name for name, is_there in signs.items() if is_there)


def facts_of_info(info: CaseInfo) -> Facts:
    """The same of an annotated case, as far as case.json says."""
    return Facts(
        sex=info.sex,
        age_band=info.age_band,
        kvp=info.kvp,
        slice_thickness_mm=info.slice_thickness_mm,
        contrast=info.contrast,
        scanner=info.scanner,
        variants=info.exclusions,
    )


class Cases(Protocol):
    """Cases to evaluate; any process can load any of them by its key."""

    @property
    def cohort(self) -> str:
        """What they are called in the report."""

    @property
    def keys(self) -> Sequence[str]:
        """One for each case."""

    def load(self, key: str) -> tuple[CT, Truth]:
        """A case's CT, and what is true of it."""


@dataclass(frozen=True)
class VirtualCohort:
    """Virtual patients of consecutive seeds.

    Raises:
        ValueError: an unknown cohort, or no patients.
    """

    cohort: str
    first_seed: int
    n: int

    def __post_init__(self) -> None:
        if self.cohort not in COHORTS:
            raise ValueError(f"the cohort is {self.cohort!r}, not one of {', '.join(COHORTS)}")
        if self.n < 1 or self.first_seed < 0:
            raise ValueError(f"{self.n} patients from seed {self.first_seed} on: give 1 or more, and a seed from 0 on")

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(str(seed) for seed in range(self.first_seed, self.first_seed + self.n))

    def load(self, key: str) -> tuple[CT, Truth]:
        from training.virtual.patient import virtual_patient  # here, because reports from CSV need none

        patient = virtual_patient(int(key), self.cohort)
        return CT(patient.ct, patient.acquisition), Truth.of_patient(patient)


@dataclass(frozen=True)
class AnnotatedCases:
    """The finished cases of an annotated dataset, all or those of one fold.

    Raises:
        BadInput: no dataset there.
    """

    directory: Path
    fold: int | None = None

    @property
    def cohort(self) -> str:
        name = open_dataset(self.directory).name
        return name if self.fold is None else f"{name}, fold {self.fold}"

    @property
    def keys(self) -> tuple[str, ...]:
        entries = [entry for entry in open_dataset(self.directory).entries if entry.is_finished]
        return tuple(entry.id for entry in entries if self.fold in (None, entry.fold))

    def load(self, key: str) -> tuple[CT, Truth]:
        case = open_dataset(self.directory).case(key)
        return CT(case.ct, acquisition_of(case.id, case.info)), Truth.of_case(case)
