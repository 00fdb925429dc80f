"""Fat and muscle behind the spine tell whether the HU are HU; the same scan shifted, scaled or without them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from example_results import LINE, grid_of, synthetic_case
from OpportunisticBMDLib.core.contrast import Contrast
from OpportunisticBMDLib.core.ranges import extent, grown
from OpportunisticBMDLib.core.surroundings import Surroundings
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.quality.unusual_hu import unusual_hu
from seen_scans import seen, told

GRID = grid_of("straight", (70, 80, 48))


def patient(shift: float = 0.0, scale: float = 1.0, fat: bool = True, layers: int = 3) -> tuple[Volume, Volume]:
    """Muscle of 52 HU with layers of fat of -98 HU between, noise of 15 HU, in all directions around the bodies."""
    case, segmentation = synthetic_case(GRID)
    hu = np.where(case.volume.array == 40, 52.0, case.volume.array).astype(np.float32)
    fatty = np.arange(GRID.size[1]) % 10 < layers
    if fat:
        hu[:, fatty] = np.where(hu[:, fatty] == 52, -98, hu[:, fatty])
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


def with_noise(scan: tuple[Volume, Volume], sd_hu: float) -> tuple[Volume, Volume]:
    ct, labels = scan
    noise = np.random.default_rng(5).normal(0, sd_hu, ct.grid.size).astype(np.float32)
    return Volume(np.where(ct.array > AIR_HU, ct.array + noise, ct.array), ct.grid), labels


@pytest.mark.parametrize("sd_hu", [60.0, 110.0, 180.0])
@pytest.mark.parametrize("layers", [3, 5, 6])
def test_noise_alone_is_not_taken_for_hu_that_are_none(sd_hu, layers):
    assert told(seen(*with_noise(patient(layers=layers), sd_hu)), "unusual_hu") == []


@pytest.mark.parametrize("sd_hu", [60.0, 110.0])
@pytest.mark.parametrize("changes", [{"shift": 40.0}, {"shift": -40.0}, {"scale": 0.67}, {"shift": 1024.0}], ids=str)
def test_noise_does_not_hide_hu_that_are_none(sd_hu, changes):
    assert told(seen(*with_noise(patient(layers=5, **changes), sd_hu)), "unusual_hu")


def test_a_scan_of_the_bodies_alone_tells_nothing():
    ct, labels = patient(shift=100.0)
    near = tuple(slice(found.min() - 3, found.max() + 4) for found in np.nonzero(labels.array))
    assert told(seen(ct.part(near), labels.part(near)), "unusual_hu") == []


@pytest.fixture(scope="module")
def virtual() -> tuple[Volume, Volume]:
    """What lies around the bodies of a virtual patient, and their true masks."""
    module = pytest.importorskip(
        "OpportunisticBMDTraining.virtual.patient", reason="virtual patients need the training extra"
    )
    found = module.virtual_patient(976000)
    bodies = extent(found.labels.array)
    assert bodies is not None
    near = grown(bodies, found.ct.grid.size, np.ceil(75 / found.ct.grid.spacing).astype(int))
    return found.ct.part(near), found.labels.part(near)


def behind_a_kernel(scan: tuple[Volume, Volume], sd_hu: float, scale: float, shift: float) -> tuple[Volume, Volume]:
    """The HU changed, and noise in grains of a kernel for soft tissue added, both within the field of view alone."""
    ct, labels = scan
    white = np.random.default_rng(0).standard_normal(ct.grid.size, np.float32)
    noise = ndimage.gaussian_filter(white, (0.8, 0.8, 0) / ct.grid.spacing)
    hu = np.where(ct.array > -900, scale * ct.array + shift + sd_hu * noise / noise.std(), ct.array)
    return Volume(hu.astype(np.int16), ct.grid), labels


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sd_hu", "scale", "shift", "is_told"),
    [
        *[(sd_hu, 1.0, 0.0, False) for sd_hu in (60.0, 110.0, 180.0)],
        *[(sd_hu, *change, True) for sd_hu in (0.0, 60.0) for change in ((1.0, 40.0), (1.0, -40.0), (0.7, 0.0))],
        *[(sd_hu, 1.0, 1024.0, True) for sd_hu in (60.0, 110.0, 180.0)],
    ],
)
def test_a_virtual_patient_in_noise(virtual, sd_hu, scale, shift, is_told):
    assert bool(list(unusual_hu(seen(*behind_a_kernel(virtual, sd_hu, scale, shift))))) is is_told
