"""The chain over many cases, on several processes, with a progress bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.pipeline import Pipeline, Run
from OpportunisticBMDLib.stages.measure import Density
from OpportunisticBMDLib.stages.place_region import place_region
from OpportunisticBMDLib.stages.read_region import read_region
from OpportunisticBMDLib.stages.uncertainty import Scales, causes_of
from OpportunisticBMDTraining.evaluate.compare import compare
from OpportunisticBMDTraining.evaluate.comparisons import FAILED, Comparison
from OpportunisticBMDTraining.evaluate.sources import CaseSource
from OpportunisticBMDTraining.processes import each, pipeline
from OpportunisticBMDTraining.virtual.scanner import line_on_file


def evaluate(
    cases: CaseSource, models: Path | None = None, *, device: str = "cpu", jobs: int = 1, title: str = "patients"
) -> list[Comparison]:
    """Runs the chain on every case and compares it with the truth.

    Args:
        cases: see `sources`.
        models: a model folder; None for the models that ship.
        device: of PyTorch.
        jobs: processes; each holds one CT and the models.
        title: of the progress bar.

    Raises:
        BadInput: no cases, or the models are missing or damaged.
    """
    keys = cases.keys
    if not keys:
        raise BadInput(f"{cases.cohort} has no annotated cases to evaluate; annotate some, or choose another fold.")
    pipeline(models, device)  # here, so that missing models are told of before any work
    tasks = [(cases, key, models, device) for key in keys]
    return each(evaluate_one, tasks, jobs=jobs, title=title, unit="patient")


def evaluate_one(cases: CaseSource, key: str, models: Path | None, device: str) -> Comparison:
    """One case; one that cannot be loaded is a failure with its reason, and the others go on."""
    chain = pipeline(models, device)
    try:
        ct, truth = cases.load(key)
    except BadInput as error:
        return Comparison(id=key, status=FAILED, cohort=cases.cohort, reasons=("unreadable",), message=str(error))
    run = chain.run(ct)
    grid = chain.segmenter.card.grid
    crop_mm = np.multiply(grid["size"], grid["spacing_mm"])
    comparison = compare(truth, run, crop_mm=crop_mm, cohort=cases.cohort)
    if not comparison.measured or run.segmentation is None:
        return comparison
    again = _through_true_masks(chain, ct, truth.labels, run)
    if truth.scanner_line is not None:
        again |= _calibrated(chain, ct, run, truth.scanner_line, line_on_file(truth.scanner_line, truth.seed or 0))
    return replace(comparison, **again)


def _calibrated(chain: Pipeline, ct: CT, run: Run, own: Calibration, on_file: Calibration) -> dict[str, Any]:
    """Reading and DenseNet once more in the same regions, with the scanner's own line, and with one that is on file."""
    if run.segmentation is None:
        return {}
    readings = _readings(ct, run.segmentation.labels, run.result.vertebrae_used)
    read_by_own = Density.mean_of([chain.densitometer.density(ct.volume, reading, own) for reading in readings])
    correction = run.result.correction
    density = read_by_own.corrected(correction)
    filed = read_by_own.at(float(np.mean([on_file.bmd(reading.hu_mean) for reading in readings]))).corrected(correction)
    causes = causes_of(ct.volume, readings, filed, on_file, correction)
    low, high = Scales.of(chain.densitometer.card).uncertainty(filed.mean, causes).interval_mg_cm3
    return {
        "calibrated_mg_cm3": density.mean,
        "calibrated_sd_mg_cm3": density.sd,
        "calibrated_network_mg_cm3": density.mean + density.correction,
        "filed_mg_cm3": filed.mean,
        "filed_line_sd_mg_cm3": causes.calibration,
        "filed_low_mg_cm3": low,
        "filed_high_mg_cm3": high,
        "network_sd_mg_cm3": causes.network,
        "noise_sd_mg_cm3": causes.noise,
        "mask_sd_mg_cm3": causes.mask,
    }


def _through_true_masks(chain: Pipeline, ct: CT, labels: Volume, run: Run) -> dict[str, Any]:
    """The reading once more, in the regions of the true masks; nothing where one of them holds no body."""
    readings = _readings(ct, labels, run.result.vertebrae_used)
    if len(readings) < len(run.result.vertebrae_used):
        return {}
    line = run.result.calibration
    densities = [chain.densitometer.density(ct.volume, reading, line) for reading in readings]
    return {"true_mask_mg_cm3": Density.mean_of(densities).corrected(run.result.correction).mean}


def _readings(ct: CT, labels: Volume, names: Sequence[str]) -> list[Reading]:
    """Of the vertebrae whose masks hold a body."""
    regions = {name: place_region(labels, name) for name in names}
    found = [read_region(ct.volume, labels, name, region) for name, region in regions.items() if region is not None]
    return [reading for reading in found if reading.voxels]
