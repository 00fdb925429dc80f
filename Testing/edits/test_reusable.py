"""Whatever is kept from one edit to the next, what comes out is what measuring the same masks anew gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from noisy_case import computed_line_pipeline, noisy_case, unseen
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.pipeline import Pipeline

Edit = Callable[[np.ndarray], np.ndarray]


def rubbed(labels: np.ndarray) -> np.ndarray:
    """A third of L1, on one side."""
    index = np.argwhere(labels == LABELS["L1"])
    after = labels.copy()
    after[tuple(index[: len(index) // 3].T)] = 0
    return after


def painted(labels: np.ndarray) -> np.ndarray:
    """T12 grows by two voxels to one side."""
    body = labels == LABELS["T12"]
    beside = np.roll(body, 2, axis=0) & (labels == 0)
    assert beside.any()
    return np.where(beside, LABELS["T12"], labels).astype(labels.dtype)


def deleted(labels: np.ndarray) -> np.ndarray:
    """L2 is gone."""
    return np.where(labels == LABELS["L2"], 0, labels).astype(labels.dtype)


def moved(labels: np.ndarray) -> np.ndarray:
    """All three, by a voxel."""
    return np.roll(labels, 1, axis=1)


def renamed(labels: np.ndarray) -> np.ndarray:
    """L1 and L2 have changed places."""
    names = np.arange(4)
    names[[LABELS["L1"], LABELS["L2"]]] = LABELS["L2"], LABELS["L1"]
    return names[labels].astype(labels.dtype)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return computed_line_pipeline()


@pytest.fixture(scope="module")
def case() -> tuple[CT, Segmentation]:
    return noisy_case()


def figures(result: Result) -> tuple:
    return (
        *(result.status, result.reasons, result.bmd_mg_cm3, result.bmd_sd_mg_cm3, result.vertebrae_used),
        *(result.category, result.probability, result.uncertainty, result.vertebrae, result.calibration),
    )


@pytest.mark.parametrize(
    "edits",
    [(rubbed,), (painted,), (deleted,), (moved,), (renamed,), (rubbed, painted, deleted), (moved, moved, rubbed)],
    ids=lambda edits: " then ".join(edit.__name__ for edit in edits),
)
def test_edits_after_each_other_give_what_measuring_anew_gives(
    pipeline: Pipeline, case: tuple[CT, Segmentation], edits: tuple[Edit, ...]
):
    ct, segmentation = case
    result, labels = pipeline.measure(ct, segmentation).result, segmentation.labels.array
    before = figures(result)
    for edit in edits:
        labels = edit(labels)
        masks = Segmentation(Volume(labels, segmentation.labels.grid), segmentation.confidence)
        result = pipeline.measure(ct, masks, previous=result).result
    assert figures(result) == figures(pipeline.measure(unseen(ct), masks).result) != before
