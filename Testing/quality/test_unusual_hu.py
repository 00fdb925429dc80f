"""Fat and muscle behind the spine tell whether the HU are HU; the same scan shifted, scaled or without them."""

from __future__ import annotations

import numpy as np
import pytest

from example_results import LINE, grid_of, synthetic_case
from OpportunisticBMDLib.core.contrast import Contrast
from OpportunisticBMDLib.core.surroundings import Surroundings
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from seen_scans import seen, told

GRID = grid_of("straight", (70, 80, 48))


def patient(shift: float = 0.0, scale: float = 1.0, fat: bool = True) -> tuple[Volume, Volume]:
    """Muscle of 52 HU with layers of fat of -98 HU between, noise of 15 HU, in all directions around the bodies."""
    case, segmentation = synthetic_case(GRID)
    hu = np.where(case.volume.array == 40, 52.0, case.volume.array).astype(np.float32)
    layers = np.arange(GRID.size[1]) % 10 < 3
    if fat:
        hu[:, layers] = np.where(hu[:, layers] == 52, -98, hu[:, layers])
    tissue = hu > AIR_HU
    hu += tissue * np.random.default_rng(0).normal(0, 15, hu.shape).astype(np.float32)
    hu[tissue] = scale * hu[tissue] + shift
    return Volume(np.maximum(hu, AIR_HU), GRID), segmentation.labels


@pytest.mark.parametrize("fat", [True, False])
@pytest.mark.parametrize("shift", [0.0, 12.0, -12.0])
def test_scanners_that_are_a_little_off_pass(fat, shift):
    assert told(seen(*patient(shift, fat=fat)), "unusual_hu") == []


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"shift": 40.0}, "warning"),
        ({"shift": -40.0}, "warning"),
        ({"scale": 1.35}, "warning"),
        ({"shift": 100.0}, "refusal"),
        ({"shift": -100.0}, "refusal"),
        ({"shift": 1024.0}, "refusal"),
        ({"scale": 0.3}, "warning"),
        ({"shift": 60.0, "fat": False}, "warning"),
    ],
    ids=str,
)
def test_hu_that_are_none_are_flagged(changes, severity):
    (reason,) = told(seen(*patient(**changes)), "unusual_hu")
    assert reason.severity == severity


def test_a_phantom_in_the_scan_minds_what_is_wrong_with_it():
    line = Surroundings(LINE.__class__(**{**LINE.__dict__, "kind": "phantom"}), Contrast())
    (reason,) = told(seen(*patient(shift=100.0), around=line), "unusual_hu")
    assert reason.severity == "warning"


def test_a_scan_of_the_bodies_alone_tells_nothing():
    ct, labels = patient(shift=100.0)
    near = tuple(slice(found.min() - 3, found.max() + 4) for found in np.nonzero(labels.array))
    assert told(seen(ct.part(near), labels.part(near)), "unusual_hu") == []
