"""One run beside the truth: the localizer's box, the masks, their names, and the density."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance
from scipy.spatial import distance
from torchvision.ops import box_iou

from OpportunisticBMDLib.core.box import Box, box_ras, reaches_an_end
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebra import VertebraFigures
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.pipeline import Run
from OpportunisticBMDTraining.evaluate.comparisons import UNKNOWN, Comparison, VertebraComparison
from OpportunisticBMDTraining.evaluate.truth import Truth

PAPER_CROP_MM = (112.5, 165.0, 150.0)  # 150 x 220 x 120 voxels of 0.75 x 0.75 x 1.25 mm
NEAR_MM = 20.0  # a centre that lies farther from its own vertebra's is no find (the VerSe challenge's rule)
READING_ORDER = ("L1", "L2", "T12")  # the first two that can be measured are averaged
SUPERIOR = 2


def compare(truth: Truth, run: Run, *, crop_mm: Sequence[float] = PAPER_CROP_MM, cohort: str = "") -> Comparison:
    """The record of one patient.

    Args:
        truth: on the CT's own grid.
        run: what the chain gave.
        crop_mm: (3,) size of the segmentation's crop towards right, front and head.
        cohort: where the patient comes from.
    """
    result = run.result
    box = _box_fit(result.box, truth.labels, crop_mm)
    return Comparison(
        id=truth.id,
        status=result.status,
        seed=truth.seed,
        cohort=cohort,
        models="; ".join(f"{stage}: {m['name']} {m['sha256'][:12]}" for stage, m in result.models.items()),
        reasons=tuple(dict.fromkeys(reason.code for reason in result.reasons if reason.severity != "info")),
        message=" ".join(reason.message for reason in result.reasons if reason.severity == "refusal"),
        facts=truth.facts,
        vertebrae={name: _vertebra(name, truth, run) for name in VERTEBRAE},
        box_score=box.score,
        box_iou=box.iou,
        upper_edge_mm=box.upper_mm,
        lower_edge_mm=box.lower_mm,
        in_crop=box.holds_masks,
        truth_mg_cm3=_true_mean(truth, result.vertebrae_used),
        bmd_mg_cm3=_number(result.bmd_mg_cm3),
        bmd_sd_mg_cm3=_number(result.bmd_sd_mg_cm3),
        network_mg_cm3=_number(result.network_bmd_mg_cm3),
        low_mg_cm3=result.uncertainty.interval_mg_cm3[0] if result.uncertainty else UNKNOWN,
        high_mg_cm3=result.uncertainty.interval_mg_cm3[1] if result.uncertainty else UNKNOWN,
        line=result.calibration.kind,
        line_sd_mg_cm3=result.uncertainty.calibration if result.uncertainty else UNKNOWN,
        corrected=result.correction is not None,
        correction_sd_mg_cm3=result.uncertainty.correction if result.uncertainty else UNKNOWN,
        probability_osteoporosis=_number(result.probability.get("osteoporosis")),
        probability_abnormal=_number(result.probability.get("abnormal")),
        seconds=float(sum(result.timing_s.get(stage) or 0 for stage in ("localize", "segment", "measure"))),
    )


@dataclass(frozen=True)
class _BoxFit:
    """How well the box fits; edges are found minus true, mm."""

    score: float = UNKNOWN
    iou: float = 0.0
    upper_mm: float = UNKNOWN
    lower_mm: float = UNKNOWN
    holds_masks: bool = False


def _box_fit(box: Box | None, labels: Volume, crop_mm: Sequence[float]) -> _BoxFit:
    """Nothing known without a box; `holds_masks` is of the crop around its centre."""
    if box is None or not labels.array.any():
        return _BoxFit()
    true = box_ras(labels)
    masks = box_ras(labels, margin_mm=0.0)
    crop = box.centre_ras[:, None] + np.outer(crop_mm, (-0.5, 0.5))
    lower, upper = box.ras_mm[SUPERIOR] - true[SUPERIOR]
    return _BoxFit(
        score=float(box.score),
        iou=_coronal_iou(box.ras_mm, true),
        upper_mm=float(upper),
        lower_mm=float(lower),
        holds_masks=bool((masks[:, 0] >= crop[:, 0]).all() and (masks[:, 1] <= crop[:, 1]).all()),
    )


def _coronal_iou(found: np.ndarray, truth: np.ndarray) -> float:
    boxes = [torch.tensor(box[[0, 2]].T.reshape(1, 4)) for box in (found, truth)]
    return float(box_iou(*boxes))


def _vertebra(name: str, truth: Truth, run: Run) -> VertebraComparison:
    figures = VertebraFigures.of(run.result.vertebrae.get(name))
    true = truth.labels.array == LABELS[name]
    found = np.zeros_like(true) if run.segmentation is None else run.segmentation.labels.array == LABELS[name]
    surface, hausdorff = surface_distances(found, true, truth.labels.grid)
    is_whole = _is_whole(true, truth.labels.grid)
    return VertebraComparison(
        whole=is_whole,
        measurable=is_whole and name not in truth.not_measurable,
        dice=_dice(found, true),
        surface_mm=surface,
        hausdorff95_mm=hausdorff,
        labelled_right=_is_labelled_right(name, found, truth.labels),
        truth_mg_cm3=_number(truth.bmd_mg_cm3.get(name)),
        bmd_mg_cm3=figures.bmd_mg_cm3,
        bmd_sd_mg_cm3=figures.bmd_sd_mg_cm3,
        network_mg_cm3=figures.network_bmd_mg_cm3,
        confidence=figures.confidence,
    )


def _is_whole(mask: np.ndarray, grid: Grid) -> bool:
    """Whether the mask is there and does not reach the scan's first or last slice."""
    return bool(mask.any() and not reaches_an_end(mask, grid))


def _dice(found: np.ndarray, true: np.ndarray) -> float:
    """NaN where there is nothing to find and nothing was found."""
    if not found.any() and not true.any():
        return UNKNOWN
    return float(1 - distance.dice(found.ravel(), true.ravel()))


def surface_distances(found: np.ndarray, true: np.ndarray, grid: Grid) -> tuple[float, float]:
    """Mean and 95 % Hausdorff distance of two masks' surfaces in mm; NaN where one of them is empty."""
    if not found.any() or not true.any():
        return UNKNOWN, UNKNOWN
    index = np.argwhere(found | true)
    ranges = tuple(slice(max(a - 1, 0), b + 2) for a, b in zip(index.min(axis=0), index.max(axis=0)))
    one, other = (torch.from_numpy(mask[ranges].astype(np.float32))[None, None] for mask in (found, true))
    spacing = [float(step) for step in grid.spacing]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # MONAI 1.6 calls its own deprecated argument
        surface = compute_average_surface_distance(one, other, include_background=True, symmetric=True, spacing=spacing)
        hausdorff = compute_hausdorff_distance(one, other, include_background=True, percentile=95, spacing=spacing)
    return float(surface), float(hausdorff)


def _is_labelled_right(name: str, found: np.ndarray, labels: Volume) -> bool:
    if not found.any() or not (labels.array == LABELS[name]).any():
        return False
    centre = _centre(found, labels.grid)
    distances = {
        other: float(np.linalg.norm(_centre(mask, labels.grid) - centre))
        for other, label in LABELS.items()
        if (mask := labels.array == label).any()
    }
    nearest = min(distances, key=distances.__getitem__)
    return nearest == name and distances[name] <= NEAR_MM


def _centre(mask: np.ndarray, grid: Grid) -> np.ndarray:
    return grid.ras_of(np.argwhere(mask).mean(axis=0))


def _true_mean(truth: Truth, used: Sequence[str]) -> float:
    """Of the same vertebrae, or of those that a reader would have taken; NaN where fewer than two are known."""
    known = {name: bmd for name in READING_ORDER if (bmd := truth.bmd_mg_cm3.get(name)) is not None}
    same = [known[name] for name in used if name in known]
    if used and len(same) == len(used):
        return _mean(same)
    return _mean(list(known.values())[:2]) if len(known) >= 2 else UNKNOWN


def _number(value: float | None) -> float:
    return UNKNOWN if value is None else float(value)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else UNKNOWN
