"""Virtual patients as annotated cases."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from OpportunisticBMDLib.cases.case import VIRTUAL_READING, Case, CaseInfo, Exclusion, age_band_of
from OpportunisticBMDLib.cases.split import FOLDS
from OpportunisticBMDLib.cases.store import open_dataset, write_case
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDTraining.virtual.cohorts import PREFIXES

PATIENTS_PER_SEED = 100_000
_EXCLUSIONS = {
    "cement": Exclusion.METAL_OR_CEMENT,
    "screws": Exclusion.METAL_OR_CEMENT,
    "cut off": Exclusion.NOT_COVERED,
    "crushed": Exclusion.NOT_FOR_QCT,
}


def simulate(n: int, seed: int, directory: str | Path, cohort: str = "one-scanner") -> None:
    """Writes n virtual patients as annotated cases; those that are there whole are kept.

    Patients of different seeds are different patients, so that one seed can train and another can test.

    Args:
        n: how many; a larger n later adds to the same patients.
        seed: 0 or more.
        directory: the dataset.
        cohort: "one-scanner" or "many-scanners".

    Raises:
        BadInput: n or seed out of range, or an unknown cohort.
    """
    from OpportunisticBMDTraining.virtual.patient import virtual_patient

    if cohort not in PREFIXES:
        raise BadInput(f"The cohort is {cohort!r}; give one of {', '.join(PREFIXES)}.")
    if not 0 < n <= PATIENTS_PER_SEED or seed < 0:
        raise BadInput(f"Give 1 to {PATIENTS_PER_SEED} patients and a seed of 0 or more, not {n} and {seed}.")
    there = set(open_dataset(directory).ids) if (Path(directory) / "dataset.json").is_file() else set()
    for number in tqdm(range(n), desc="virtual patients", unit="patient", file=sys.stderr):
        case_id = f"{PREFIXES[cohort]}-{seed}-{number:05d}"
        if case_id not in there:
            patient = virtual_patient(seed * PATIENTS_PER_SEED + number, cohort)
            case = Case(case_id, patient.ct, patient.labels, info_of(patient))
            write_case(directory, case, fold=number % FOLDS, licence="Apache-2.0")


def info_of(patient: Any) -> CaseInfo:
    """What case.json says of a virtual patient: its true reading, and how it was scanned."""
    return CaseInfo(
        reference_bmd_mg_cm3={name: float(bmd) for name, bmd in patient.bmd_mg_cm3.items()},
        reference_method=VIRTUAL_READING,
        sex=patient.parameters.sex,
        age_band=age_band_of(patient.parameters.age),
        scanner=patient.acquisition.scanner,
        kvp=patient.acquisition.kvp,
        kernel=patient.acquisition.kernel,
        exclusions=tuple(sorted({_EXCLUSIONS[reason] for reason in patient.not_measurable.values()})),
        contrast=patient.parameters.contrast,
        slice_thickness_mm=patient.parameters.scan.slice_thickness,
        annotator="virtual patient",
        history=(f"rendered from seed {patient.parameters.seed} of {patient.parameters.cohort}",),
    )
