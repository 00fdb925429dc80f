"""How well each way to a calibration line reads: `opportunistic-bmd-lab evaluate-lines -n 100 --cohort many-scanners`.

Virtual patients lie on a phantom, in a field of view that holds it, their scanner scans a European Spine Phantom, and
the same masks are read through each line. Prints a Markdown table of the error of the mean BMD, patients without and
with a contrast agent apart.

What is not here, and widens the lines that are measured on a phantom in a real house: it hardens the beam otherwise
than a patient, and a scanner drifts.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib.calibration import line_of
from OpportunisticBMDLib.calibration.in_scan import line_of_phantom_below
from OpportunisticBMDLib.calibration.internal import likeliest_line, seen_tissues
from OpportunisticBMDLib.calibration.lines import as_at_120_kvp
from OpportunisticBMDLib.calibration.phantom_line import line_of_phantom
from OpportunisticBMDLib.calibration.phantoms import BELOW_PATIENTS, PHANTOMS
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.contrast import Contrast
from OpportunisticBMDLib.core.correction import Correction
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.segmentation import Segmentation, centres_of
from OpportunisticBMDLib.core.vertebra import middle_of
from OpportunisticBMDLib.pipeline import Run
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.evaluate.csv_file import write_records
from OpportunisticBMDTraining.evaluate.sources import COHORTS, UNSEEN_SEED
from OpportunisticBMDTraining.processes import each, pipeline
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.patient import VirtualPatient, draw_parameters, render
from OpportunisticBMDTraining.virtual.phantom import draw_phantom_scan, phantom_ct
from OpportunisticBMDTraining.virtual.phantom_below import on_phantom
from OpportunisticBMDTraining.virtual.scanner import scanner_line

WAYS = {
    "voltage": "computed for the voltage (default)",
    "internal": "and moved by the patient's tissues",
    "scanner": "of the scanner, from a spine phantom",
    "phantom": "of a phantom in the same scan",
    "true": "the scanner's true one",
}
FIGURES = ("patients", "bias ± SD", "SD by the line")
HEADER = ("line", *(f"{agent}: {what}" for agent in ("no contrast", "contrast") for what in FIGURES))
BELOW = tuple(name for name, phantom in PHANTOMS.items() if phantom in BELOW_PATIENTS)


@dataclass(frozen=True)
class LinesOfPatient:
    """Errors (mg/cm3) of the mean BMD through each line, and the SDs that the lines give it; NaN without a line.

    Args:
        below: the phantom that lies under the patient.
        true_mg_cm3: NaN where the chain measured nothing, or what nobody should measure.
    """

    seed: int
    kvp: float
    contrast: bool
    below: str
    true_mg_cm3: float
    voltage: float = np.nan
    internal: float = np.nan
    scanner: float = np.nan
    phantom: float = np.nan
    true: float = np.nan
    voltage_sd: float = np.nan
    internal_sd: float = np.nan
    scanner_sd: float = np.nan
    phantom_sd: float = np.nan
    true_sd: float = np.nan


def measure(seed: int, cohort: str, true_masks: bool, models: Path | None) -> LinesOfPatient:
    """One patient, rendered once, through each line."""
    parameters = on_phantom(draw_parameters(seed, cohort), BELOW[seed % len(BELOW)])
    patient = render(parameters)
    ct = CT(patient.ct, patient.acquisition)
    run = _run(patient, ct, true_masks, models)
    pair = [name for name in run.result.vertebrae_used if name in patient.bmd_mg_cm3]
    found = LinesOfPatient(seed, parameters.scan.kvp, parameters.contrast, parameters.below, np.nan)
    if len(pair) < 2 or run.segmentation is None:
        return found
    true = float(np.mean([patient.bmd_mg_cm3[name] for name in pair]))
    middles = [middle_of(run.result.vertebrae[name]) for name in pair]
    hu = float(np.mean([middle.hu_mean for middle in middles if middle]))
    lines = _lines(parameters, ct, centres_of(run.segmentation), run.result.contrast)
    figures: dict[str, Any] = {way: _bmd(line, hu, run.result.correction) - true for way, line in lines.items()}
    figures |= {f"{way}_sd": line.sd(true) for way, line in lines.items()}
    return replace(found, true_mg_cm3=true, **figures)


def _run(patient: VirtualPatient, ct: CT, true_masks: bool, models: Path | None) -> Run:
    """The chain's, whatever line it takes."""
    chain = replace(pipeline(models), calibration=line_of(ct.acquisition))
    return chain.measure(ct, Segmentation(patient.labels, {})) if true_masks else chain.run(ct)


def _bmd(line: Calibration, hu: float, correction: Correction | None) -> float:
    read = float(line.bmd(hu))
    return correction.bmd(read) if correction else read


def _lines(
    parameters: PatientParameters, ct: CT, bodies: Mapping[str, np.ndarray], contrast: Contrast
) -> dict[str, Calibration]:
    """Way -> line, of those ways that there are for this patient."""
    scan, computed = parameters.scan, line_of(ct.acquisition)
    lines = {
        "voltage": computed,
        "internal": likeliest_line(computed, seen_tissues(ct, bodies, contrast), scan.kvp),
        "scanner": _scanned(parameters),
        "phantom": line_of_phantom_below(ct, bodies),
        "true": scanner_line(scan.kvp, scan.slope, scan.offset),
    }
    return {way: line for way, line in lines.items() if line is not None}


def _scanned(parameters: PatientParameters) -> Calibration | None:
    """What a scan of the European Spine Phantom on the patient's scanner gives; None where it is not found."""
    phantom, own = draw_phantom_scan(parameters.seed), parameters.scan
    same = {name: getattr(own, name) for name in ("kvp", "slope", "offset", "cupping_hu")}
    try:
        ct = phantom_ct(replace(phantom, scan=replace(phantom.scan, **same)))
        return as_at_120_kvp(line_of_phantom(ct, PHANTOMS["esp"]).line, ct.acquisition)
    except BadInput:
        return None


def table(found: Sequence[LinesOfPatient]) -> str:
    """Markdown: a row for each way."""
    groups = [[patient for patient in found if patient.contrast == agent] for agent in (False, True)]
    rows = [(name, *(cell for group in groups for cell in _cells(way, group))) for way, name in WAYS.items()]
    return markdown(HEADER, rows)


def _cells(way: str, found: Sequence[LinesOfPatient]) -> tuple[str, str, str]:
    measured = [asdict(patient) for patient in found if np.isfinite(patient.true_mg_cm3)]
    errors = np.array([patient[way] for patient in measured if np.isfinite(patient[way])])
    if not len(errors):
        return f"0 of {len(measured)}", words.DASH, words.DASH
    sds = [patient[f"{way}_sd"] for patient in measured if np.isfinite(patient[way])]
    spread = f"{words.number(float(errors.mean()), 2, sign=True)} ± {words.number(float(errors.std()), 2)}"
    return f"{len(errors)} of {len(measured)}", spread, words.number(float(np.mean(sds)), 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab evaluate-lines", description=__doc__)
    parser.add_argument("-n", type=int, default=100, help="number of virtual patients")
    parser.add_argument("--seed", type=int, default=UNSEEN_SEED, help="seed of the first one")
    parser.add_argument("--cohort", choices=COHORTS, default="many-scanners", help="which virtual patients")
    parser.add_argument("--true-masks", action="store_true", help="read through the true masks, without the networks")
    parser.add_argument("--models", type=Path, help="another model folder")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once; each needs about 3 GB")
    parser.add_argument("-o", "--output", type=Path, help="a .csv file with a line per patient")
    options = parser.parse_args(arguments)

    def work() -> None:
        seeds = range(options.seed, options.seed + options.n)
        tasks = [(seed, options.cohort, options.true_masks, options.models) for seed in seeds]
        found = each(measure, tasks, jobs=options.jobs, title="patients", unit="patient")
        if options.output:
            write_records(options.output, LinesOfPatient, found)
        print(table(found))

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
