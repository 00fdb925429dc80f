"""Readings made ready for the DenseNet, one .npz file a case.

`opportunistic-bmd-lab readings -o DIR --virtual 200 --seed 1000 --cohort many-scanners --dataset ANNOTATED`

True is what QCT would read of a virtual patient; of a real CT, the reference of its case or, without one, what its
middle reads untouched through the mask that was reviewed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.cases import Dataset, open_dataset
from OpportunisticBMDLib.cases.reference import reference_of
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.fit.samples.examples import example_maker
from OpportunisticBMDTraining.fit.samples.prepare import is_newer
from OpportunisticBMDTraining.processes import each
from OpportunisticBMDTraining.virtual.cohorts import PREFIXES
from OpportunisticBMDTraining.virtual.patient import virtual_patient
from OpportunisticBMDTraining.virtual.scanner import scanner_line

OTHER_SCANS = 16  # as which each annotated case is shown, too: there are few of them


def prepare_case_readings(dataset: Dataset, ids: Sequence[str], folder: Path, models: Path | None) -> None:
    """Writes the samples of annotated cases that are not there yet or are older than their files.

    Args:
        ids: of the cases.
        folder: for the samples.
        models: whose AnatomyNet draws the masks; None for the models that ship.

    Raises:
        BadInput: a case that cannot be loaded, or no model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for case_id in tqdm(ids, desc="readings", unit="case"):
        path = folder / f"{case_id}.npz"
        if is_newer(path, dataset.folder(case_id)):
            continue
        case = dataset.case(case_id)
        known = {name: bmd for name, bmd in case.info.reference_bmd_mg_cm3.items() if bmd is not None}
        truth = known or reference_of(case.ct, case.labels, case.info.kvp)
        line = line_for(case.info.kvp)
        example_maker(models).sample(
            case_id, case.info.patient or case_id, case.ct, case.labels, truth, line, OTHER_SCANS
        ).save(path)


def prepare_virtual_readings(seeds: Sequence[int], cohort: str, folder: Path, models: Path | None, jobs: int) -> None:
    """Writes the samples of virtual patients that are not there yet, in as many processes as `jobs`.

    Args:
        seeds: of the patients.
        cohort: "one-scanner" or "many-scanners".
        folder: for the samples.
        models: whose AnatomyNet draws the masks; None for the models that ship.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(seed, cohort, folder, models) for seed in seeds]
    each(_prepare_virtual, tasks, jobs=jobs, title="readings", unit="patient")


def _prepare_virtual(seed: int, cohort: str, folder: Path, models: Path | None) -> None:
    path = folder / f"{PREFIXES[cohort]}-{seed:06d}.npz"
    if path.exists():
        return
    patient = virtual_patient(seed, cohort)
    scan = patient.parameters.scan
    line = scanner_line(scan.kvp, scan.slope, scan.offset)
    # A contrast agent is not the network's to correct: what it adds belongs to the reading.
    iodine = patient.parameters.marrow_contrast_hu / line_for(scan.kvp).slope_hu_per_mg_cm3
    truth = {name: bmd + iodine for name, bmd in patient.bmd_mg_cm3.items()}
    if truth:
        example_maker(models).sample(path.stem, path.stem, patient.ct, patient.labels, truth, line, scans=1).save(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints nothing but progress; returns the exit status, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab readings", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the samples")
    parser.add_argument("--virtual", type=int, default=0, metavar="N", help="number of virtual patients")
    parser.add_argument("--seed", type=int, default=1000, help="seed of the first virtual patient")
    parser.add_argument("--cohort", choices=PREFIXES, default="one-scanner", help="of the virtual patients")
    parser.add_argument("--dataset", type=Path, action="append", default=[], help="annotated dataset (repeatable)")
    parser.add_argument("--models", type=Path, help="model folder whose AnatomyNet draws the masks")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    options = parser.parse_args(arguments)

    def work() -> None:
        if not (options.dataset or options.virtual > 0):
            raise BadInput("Nothing is asked for: give --virtual N, or --dataset with an annotated dataset.")
        for directory in options.dataset:
            dataset = open_dataset(directory)
            prepare_case_readings(dataset, dataset.finished_ids, options.output, options.models)
        seeds = range(options.seed, options.seed + options.virtual)
        prepare_virtual_readings(seeds, options.cohort, options.output, options.models, options.jobs)

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
