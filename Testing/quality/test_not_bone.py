"""Masks that do not lie in a vertebral body, whoever put them there, give no density."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.pipeline import Pipeline


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load()


@pytest.fixture(scope="module")
def case() -> tuple[CT, Segmentation]:
    ct, segmentation = synthetic_case(grid_of("straight"))
    noise = np.random.default_rng(1).normal(0, 20, ct.volume.grid.size)
    return CT(Volume((ct.volume.array + noise).astype(np.int16), ct.volume.grid), ct.acquisition), segmentation


def codes(result: Result) -> list[tuple[str, str | None]]:
    return [(reason.code, reason.vertebra) for reason in result.reasons]


def moved(segmentation: Segmentation, mm: tuple[float, float, float], *names: str) -> Segmentation:
    """The masks of the named vertebrae, so many mm to the right, front and head."""
    labels, grid = segmentation.labels.array, segmentation.labels.grid
    steps = np.rint(np.array(mm) / grid.spacing).astype(int)
    array = np.where(np.isin(labels, [LABELS[name] for name in names]), 0, labels)
    for name in names:
        array[np.roll(labels == LABELS[name], steps, axis=(0, 1, 2))] = LABELS[name]
    return Segmentation(Volume(array, grid), {})


def test_masks_in_their_place_are_measured(pipeline, case):
    result = pipeline.measure(*case).result
    assert result.status == "measured" and result.bmd_mg_cm3 == pytest.approx(150 / 1.28, abs=3)


@pytest.mark.parametrize("mm", [(26, 0, 0), (-26, 0, 0), (0, 26, 0), (0, -26, 0), (0, 0, -18)], ids=str)
def test_masks_beside_the_spine_are_refused(pipeline, case, mm):
    ct, segmentation = case
    result = pipeline.measure(ct, moved(segmentation, mm, *LABELS)).result
    assert result.status == "refused" and result.bmd_mg_cm3 is None and result.category is None
    assert {"not_in_body", "too_few_vertebrae"} <= {code for code, _ in codes(result)}


def test_one_mask_beside_its_body_is_replaced_by_t12(pipeline, case):
    ct, segmentation = case
    result = pipeline.measure(ct, moved(segmentation, (24, 0, 0), "L2")).result
    assert ("not_in_body", "L2") in codes(result) and result.vertebrae_used == ("T12", "L1")
    assert result.bmd_mg_cm3 == pytest.approx(150 / 1.28, abs=3)


def test_a_density_below_that_of_water_is_none(pipeline, case):
    """Whatever the cause: here a line that is not of this scanner."""
    wrong = replace(pipeline, calibration=Calibration("wrong", "HA", 1.28, 200.0, "another scanner"))
    result = wrong.measure(*case).result
    assert result.status == "refused" and result.category is None
    assert [code for code, _ in codes(result)].count("below_zero") == 3
    (reason, *_) = [r for r in result.reasons if r.code == "below_zero"]
    assert reason.figure.value == pytest.approx(-50 / 1.28, abs=3) and reason.figure.limit == 0


def test_a_body_after_an_edit_is_looked_at_again(pipeline, case):
    ct, segmentation = case
    before = pipeline.measure(ct, segmentation).result
    after = pipeline.measure(ct, moved(segmentation, (24, 0, 0), "L1", "L2"), previous=before).result
    assert after.status == "refused" and {("not_in_body", "L1"), ("not_in_body", "L2")} <= set(codes(after))


def test_one_flipped_bit_in_each_body_changes_nothing_and_is_named(pipeline, case):
    ct, segmentation = case
    hu = ct.volume.array.copy()
    for name in ("L1", "L2"):
        middle = np.argwhere(segmentation.labels.array == LABELS[name]).mean(axis=0).round().astype(int)
        hu[tuple(middle)] ^= 1 << 13
    plain = pipeline.measure(ct, segmentation).result
    result = pipeline.measure(CT(Volume(hu, ct.volume.grid), ct.acquisition), segmentation).result
    assert result.bmd_mg_cm3 == pytest.approx(plain.bmd_mg_cm3, abs=0.3) and result.category == plain.category
    assert result.status == "review" and codes(result) == [("damaged_voxels", "L1"), ("damaged_voxels", "L2")]
    assert [reason.figure.value for reason in result.reasons] == [1, 1]


def test_salt_is_not_called_metal(pipeline, case):
    ct, segmentation = case
    hu = ct.volume.array.copy()
    hu[np.random.default_rng(3).random(hu.shape) < 0.02] = 3071
    result = pipeline.measure(CT(Volume(hu, ct.volume.grid), ct.acquisition), segmentation).result
    assert "metal" not in {code for code, _ in codes(result)}
    assert {("damaged_voxels", "L1"), ("damaged_voxels", "L2")} <= set(codes(result))
