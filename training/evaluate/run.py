"""The chain over many cases, on several processes, with a progress bar."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.ct import CT
from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.measure import Density
from OpportunisticBMDLib.pipeline import Pipeline, Run
from OpportunisticBMDLib.result import Calibration
from training.evaluate.cases import FAILED, UNKNOWN, Comparison
from training.evaluate.compare import compare
from training.evaluate.truth import Cases
from training.processes import each, pipeline


def evaluate(
    cases: Cases, models: Path | None = None, *, device: str = "cpu", jobs: int = 1, title: str = "patients"
) -> list[Comparison]:
    """Runs the chain on every case and compares it with the truth.

    Args:
        cases: see `truth`.
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


def evaluate_one(cases: Cases, key: str, models: Path | None, device: str) -> Comparison:
    """One case; one that cannot be read is a failure with its reason, and the others go on."""
    chain = pipeline(models, device)
    try:
        ct, truth = cases.load(key)
    except BadInput as error:
        return Comparison(id=key, status=FAILED, cohort=cases.cohort, reasons=("unreadable",), message=str(error))
    run = chain.run(ct)
    grid = chain.segmenter.card.grid
    crop_mm = np.multiply(grid["size"], grid["spacing_mm"])
    comparison = compare(truth, run, crop_mm=crop_mm, cohort=cases.cohort)
    if truth.scanner_line is None or not comparison.measured:
        return comparison
    return replace(comparison, **_calibrated(chain, ct, run, truth.scanner_line))


def _calibrated(chain: Pipeline, ct: CT, run: Run, line: Calibration) -> dict[str, float]:
    """Network and HU line once more on the same masks, with the scanner's own line."""
    result = run.result
    used = result.vertebrae_used
    hu = [result.vertebrae[name].hu_mean for name in used]
    labels = run.segmentation.labels
    density = Density.mean_of([chain.densitometer.density(ct.volume, labels, name, line) for name in used])
    return {
        "calibrated_mg_cm3": density.mean,
        "calibrated_sd_mg_cm3": density.sd,
        "calibrated_hu_line_mg_cm3": float(line.bmd(np.mean(hu))) if hu else UNKNOWN,
    }
