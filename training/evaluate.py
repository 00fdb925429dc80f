"""Measures the whole chain on virtual patients that no fit has seen: `python -m training.evaluate -n 30`.

Prints one Markdown table; with -o also a CSV file with a line per patient.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import distance
from scipy.stats import linregress
from sklearn.metrics import r2_score
from torchvision.ops import box_iou
from tqdm import tqdm

from OpportunisticBMDLib.ct import CT
from OpportunisticBMDLib.pipeline import Pipeline, Run
from OpportunisticBMDLib.vertebrae import LABELS, VERTEBRAE
from training.dataset import box_ras
from training.virtual.patient import VirtualPatient, virtual_patient

UNSEEN_SEED = 900_000  # fits draw from far lower seeds


@dataclass(frozen=True)
class Comparison:
    """One patient, measured beside the truth; NaN where nothing was measured."""

    seed: int
    status: str
    box_iou: float
    dice: Mapping[str, float]
    truth_mg_cm3: float
    bmd_mg_cm3: float
    hu_line_mg_cm3: float


def compare(seed: int, patient: VirtualPatient, run: Run) -> Comparison:
    """Box overlap on the coronal plane, Dice on the patient's own grid, and the mean density of the same vertebrae."""
    result = run.result
    used = result.vertebrae_used or ("L1", "L2")
    lines = [result.vertebrae[name].hu_line_bmd_mg_cm3 for name in result.vertebrae_used]
    return Comparison(
        seed=seed,
        status=result.status,
        box_iou=_coronal_iou(result.box.ras_mm, box_ras(patient.labels)) if result.box else 0.0,
        dice={name: _dice(patient, run, LABELS[name]) for name in VERTEBRAE},
        truth_mg_cm3=float(np.mean([patient.bmd_mg_cm3[name] for name in used])),
        bmd_mg_cm3=np.nan if result.bmd_mg_cm3 is None else result.bmd_mg_cm3,
        hu_line_mg_cm3=float(np.mean(lines)) if lines else np.nan,
    )


def _coronal_iou(found: np.ndarray, truth: np.ndarray) -> float:
    boxes = [torch.tensor(box[[0, 2]].T.reshape(1, 4)) for box in (found, truth)]
    return float(box_iou(*boxes))


def _dice(patient: VirtualPatient, run: Run, label: int) -> float:
    if run.segmentation is None:
        return 0.0
    masks = [(labels.array == label).ravel() for labels in (patient.labels, run.segmentation.labels)]
    return float(1 - distance.dice(*masks))


def table(comparisons: Sequence[Comparison]) -> str:
    """A Markdown table; patients without a measurement count as failures, and are left out of the regression only."""
    measured = [c for c in comparisons if np.isfinite(c.bmd_mg_cm3)]
    rows: dict[str, str] = {
        "patients, measured": f"{len(comparisons)}, {len(measured)}",
        "boxes with IoU >= 0.7": f"{sum(c.box_iou >= 0.7 for c in comparisons)} / {len(comparisons)}",
        "box IoU, mean (least)": f"{np.mean([c.box_iou for c in comparisons]):.3f}"
        f" ({min(c.box_iou for c in comparisons):.3f})",
    }
    for name in VERTEBRAE:
        dice = np.array([c.dice[name] for c in comparisons])
        share = f"{(dice > 0.9).mean():.0%}"
        rows[f"Dice {name}, mean +- SD (share > 0.9)"] = f"{dice.mean():.3f} +- {dice.std():.3f} ({share})"
    if len(measured) > 2:
        truth = np.array([c.truth_mg_cm3 for c in measured])
        rows |= _agreement("BMD", truth, np.array([c.bmd_mg_cm3 for c in measured]))
        rows |= _agreement("HU line", truth, np.array([c.hu_line_mg_cm3 for c in measured]))
    return _markdown(rows)


def _agreement(name: str, truth: np.ndarray, found: np.ndarray) -> dict[str, str]:
    line = linregress(truth, found)
    error = found - truth
    return {
        f"{name}: R2 against truth": f"{r2_score(truth, found):.3f}",
        f"{name}: bias, SD of the error (mg/cm3)": f"{error.mean():+.1f}, {error.std(ddof=1):.1f}",
        f"{name}: slope, intercept (mg/cm3)": f"{line.slope:.3f}, {line.intercept:+.1f}",
    }


def _markdown(rows: Mapping[str, str]) -> str:
    return "\n".join(["| figure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def _row(comparison: Comparison) -> dict[str, object]:
    row = asdict(comparison)
    return row | {f"dice_{name}": value for name, value in row.pop("dice").items()}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("-n", type=int, default=30, help="number of virtual patients")
    parser.add_argument("--seed", type=int, default=UNSEEN_SEED, help="seed of the first one")
    parser.add_argument("--models", type=Path, help="another model folder")
    parser.add_argument("-o", "--output", type=Path, help="CSV file with a line per patient")
    options = parser.parse_args(arguments)
    pipeline = Pipeline.load(options.models)
    comparisons = []
    for seed in tqdm(range(options.seed, options.seed + options.n), desc="patients", unit="patient"):
        patient = virtual_patient(seed)
        comparisons.append(compare(seed, patient, pipeline.run(CT(patient.ct, patient.acquisition))))
    if options.output:
        with options.output.open("w", newline="") as file:
            rows = [_row(comparison) for comparison in comparisons]
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    print(table(comparisons))


if __name__ == "__main__":
    main()
