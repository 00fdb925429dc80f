"""The chain over many cases, on several processes, with a progress bar."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from joblib import Parallel, delayed
from tqdm import tqdm

from OpportunisticBMDLib.ct import CT
from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.pipeline import Pipeline, Run
from OpportunisticBMDLib.result import Calibration
from training.evaluate.cases import FAILED, UNKNOWN, Comparison
from training.evaluate.compare import compare
from training.evaluate.truth import Cases


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
    _pipeline(models, device)  # here, so that missing models are told of before any work
    threads = None if jobs == 1 else max(1, (os.cpu_count() or 1) // jobs)
    tasks = (delayed(evaluate_one)(cases, key, models, device, threads) for key in keys)
    found = Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks)
    comparisons = {c.id: c for c in tqdm(found, desc=title, unit="patient", total=len(keys))}
    return [comparisons[key] for key in keys]


def evaluate_one(cases: Cases, key: str, models: Path | None, device: str, threads: int | None) -> Comparison:
    """One case; one that cannot be read is a failure with its reason, and the others go on.

    Args:
        threads: of PyTorch, where several processes share the processor; None leaves them as they are.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    pipeline = _pipeline(models, device)
    try:
        ct, truth = cases.load(key)
    except BadInput as error:
        return Comparison(id=key, status=FAILED, cohort=cases.cohort, reasons=("unreadable",), message=str(error))
    run = pipeline.run(ct)
    grid = pipeline.segmenter.card.grid
    crop_mm = np.multiply(grid["size"], grid["spacing_mm"])
    comparison = compare(truth, run, crop_mm=crop_mm, cohort=cases.cohort)
    if truth.scanner_line is None or not comparison.measured:
        return comparison
    return replace(comparison, **_calibrated(pipeline, ct, run, truth.scanner_line))


def _calibrated(pipeline: Pipeline, ct: CT, run: Run, line: Calibration) -> dict[str, float]:
    """Network and HU line once more on the same masks, with the scanner's own line."""
    result = run.result
    used = result.vertebrae_used
    hu = [result.vertebrae[name].hu_mean for name in used]
    density = pipeline.densitometer.density(ct.volume, run.segmentation.labels, used, line)
    return {
        "calibrated_mg_cm3": density.mean,
        "calibrated_sd_mg_cm3": density.sd,
        "calibrated_hu_line_mg_cm3": float(line.bmd(np.mean(hu))) if hu else UNKNOWN,
    }


@lru_cache(maxsize=1)
def _pipeline(models: Path | None, device: str) -> Pipeline:
    """Loaded once per process."""
    return Pipeline.load(models, device)
