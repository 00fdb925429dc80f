"""Faults that are planted in clean scans: `opportunistic-bmd-lab evaluate-faults -n 600 --jobs 2 -o faults.csv`.

Half of n are patients whose scans are clean (see `virtual/clean.py`), from both cohorts in turn. Each kind of fault is
planted in as many of them as n / 30, so that of 600 every check has 20; a fault of the header or of masks needs no new
scan. Every scan passes the whole chain once. Prints Markdown tables: what tells of each fault, what each check finds
and what it says of clean scans, and the scans that are wrong without a word. What is done is kept in the file as it
comes: the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.difference import changed_vertebrae
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.edits import Edits
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.evaluate.fault_tables import tables
from OpportunisticBMDTraining.evaluate.faulty_scan import (
    FaultyScan,
    append,
    begin,
    beside_clean,
    faulty_scan,
    scans_in,
)
from OpportunisticBMDTraining.evaluate.sources import COHORTS
from OpportunisticBMDTraining.processes import each, pipeline
from OpportunisticBMDTraining.virtual.clean import clean_patients
from OpportunisticBMDTraining.virtual.faults import FAULTS, Fault
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.patient import VirtualPatient, render
from OpportunisticBMDTraining.virtual.true_compression import fractured

FIRST_SEED = 950_000  # limits were chosen on others
SCANS_A_FAULT = 30  # so many scans of n for one of each fault


@dataclass(frozen=True)
class Planned:
    """A patient, and the faults that are planted in his scans, each in one of its own."""

    number: int
    parameters: PatientParameters
    faults: tuple[str, ...]


def plan(n: int, first_seed: int, names: Sequence[str]) -> list[Planned]:
    """Half of n patients of both cohorts in turn; the faults are dealt to them as evenly as they go.

    Args:
        names: of faults.
    """
    count = max(n // 2, 1)
    cohorts = {cohort: clean_patients(cohort, first_seed) for cohort in COHORTS}
    dealt: dict[int, list[str]] = defaultdict(list)
    for number, name in enumerate(name for name in names for _ in range(max(round(n / SCANS_A_FAULT), 1))):
        dealt[number % count].append(name)
    return [
        Planned(number, next(cohorts[COHORTS[number % len(COHORTS)]]), tuple(dealt[number])) for number in range(count)
    ]


def measure(planned: Planned, models: Path | None) -> list[FaultyScan]:
    """The clean scan of a patient, and one for each fault."""
    patient = render(planned.parameters)
    clean = pipeline(models).run(CT(patient.ct, patient.acquisition))
    scans = [_noted(planned, "", "", clean.result, patient.bmd_mg_cm3)]
    for name in planned.faults:
        result, words, truth = _with_fault(FAULTS[name], patient, clean, models)
        scans.append(_noted(planned, name, words, result, truth))
    return beside_clean(scans)


def _with_fault(
    fault: Fault, patient: VirtualPatient, clean: Run, models: Path | None
) -> tuple[Result, str, Mapping[str, float]]:
    """What the chain says, what was planted, and what is true of the healthy bone.

    Raises:
        BadInput: the chain has nothing to say, which no scan may bring about.
    """
    rng = np.random.default_rng([patient.parameters.seed, *fault.name.encode()])
    said: list[str] = []
    truth = dict(patient.bmd_mg_cm3)
    if fault.patient:
        parameters, words = fault.patient(rng, patient.parameters)
        said.append(words)
        patient = render(parameters)
        broken = fractured(parameters)
        truth |= {name: bmd for name, bmd in patient.bmd_mg_cm3.items() if name not in broken}
    ct = CT(patient.ct, patient.acquisition)
    if fault.scan:
        ct, words = fault.scan(rng, ct)
        said.append(words)
    if fault.header:
        header, words = fault.header(rng, ct.acquisition)
        ct = replace(ct, acquisition=header)
        said.append(words)
    if fault.is_seen_anew or clean.segmentation is None:
        return pipeline(models).run(ct).result, ", ".join(said), truth
    masks, known, edits = clean.segmentation, None, Edits()
    if fault.is_of_masks:
        known = clean.result
    if fault.masks:
        masks, words = fault.masks(rng, masks)
        said.append(words)
        edits = Edits(changed_vertebrae(clean.segmentation.labels, masks.labels))
    if fault.box and known is not None and known.box is not None:
        box, words = fault.box(rng, known.box)
        known = replace(known, box=box)
        said.append(words)
    return pipeline(models).measure(ct, masks, edits=edits, previous=known).result, ", ".join(said), truth


def _noted(planned: Planned, fault: str, words: str, result: Result, truth: Mapping[str, float]) -> FaultyScan:
    parameters = planned.parameters
    return faulty_scan(planned.number, parameters.seed, parameters.cohort, fault, words, result, dict(truth))


def left_to_do(plan: Sequence[Planned], done: Sequence[FaultyScan]) -> tuple[list[Planned], list[FaultyScan]]:
    """Patients of whom a scan is missing, and the scans of the others.

    Raises:
        BadInput: the scans are of other patients.
    """
    scans: dict[int, list[FaultyScan]] = defaultdict(list)
    for scan in done:
        scans[scan.number].append(scan)
    seeds = {planned.number: planned.parameters.seed for planned in plan}
    if any(seeds.get(scan.number) != scan.seed for scan in done):
        raise BadInput("The file holds scans of another evaluation; choose another one.")
    kept = {p.number for p in plan if {scan.fault for scan in scans[p.number]} == {"", *p.faults}}
    return [p for p in plan if p.number not in kept], [scan for scan in done if scan.number in kept]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab evaluate-faults", description=__doc__)
    parser.add_argument("-n", type=int, default=600, help="number of virtual scans; half of them are clean")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="seed that the first patient is looked for from")
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS), metavar="FAULT", help=_names())
    parser.add_argument("--models", type=Path, help="another model folder")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once; each needs about 3 GB")
    parser.add_argument("-o", "--output", type=Path, help="a .csv file with a line per scan, to go on from as well")
    options = parser.parse_args(arguments)

    def work() -> None:
        planned = plan(options.n, options.seed, options.only)
        output: Path | None = options.output
        todo, done = left_to_do(planned, scans_in(output) if output else [])
        if output:
            begin(output, done)
        told = (lambda scans: append(output, scans)) if output else None
        tasks = [(patient, options.models) for patient in todo]
        found = each(measure, tasks, jobs=options.jobs, title="patients", unit="patient", told=told)
        print(tables([*done, *(scan for scans in found for scan in scans)], options.only))

    return exit_status(work)


def _names() -> str:
    return "only these faults: " + ", ".join(f'"{name}"' for name in FAULTS).replace("%", "%%")


if __name__ == "__main__":
    sys.exit(main())
