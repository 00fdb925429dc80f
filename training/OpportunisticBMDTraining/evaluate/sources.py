"""Where cases to evaluate come from: virtual cohorts and annotated datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from OpportunisticBMDLib.cases import open_dataset
from OpportunisticBMDLib.cases.hardest import acquisition_of
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDTraining.evaluate.truth import Truth
from OpportunisticBMDTraining.virtual.cohorts import PREFIXES

UNSEEN_SEED = 900_000  # fits draw from far lower seeds
COHORTS = tuple(PREFIXES)


class CaseSource(Protocol):
    """Where cases to evaluate come from; any process can load any of them by its key."""

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
        from OpportunisticBMDTraining.virtual.patient import virtual_patient

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
