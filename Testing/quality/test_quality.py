"""Each reason that a vertebra cannot be measured, and each caution, on scans that have it and on scans that do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from example_results import acquisition, grid_of, synthetic_case
from OpportunisticBMDLib import quality
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality import SeenScan, measurability, readable
from OpportunisticBMDLib.quality.metal import MOST_METAL
from OpportunisticBMDLib.stages.place_region import place_region
from OpportunisticBMDLib.stages.read_region import read_region

ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique", "coronal")


@pytest.fixture
def case() -> tuple[Volume, Segmentation]:
    ct, segmentation = synthetic_case(grid_of("straight"))
    return ct.volume, segmentation


def with_labels(segmentation: Segmentation, array: np.ndarray) -> Segmentation:
    return replace(segmentation, labels=Volume(array, segmentation.labels.grid))


def cautions(ct: Volume, segmentation: Segmentation, how: Acquisition) -> list[Reason]:
    return quality.cautions(SeenScan(ct, segmentation, how))


def misordered(segmentation: Segmentation) -> list[Reason]:
    labels = segmentation.labels
    return cautions(Volume(np.zeros(labels.grid.size, np.int16), labels.grid), segmentation, acquisition())


def found(reasons: list) -> list[tuple[str, str | None]]:
    return [(reason.code, reason.vertebra) for reason in reasons]


def first_voxels(mask: np.ndarray, share: float) -> np.ndarray:
    """A mask of that share of a mask's voxels, from the first index on."""
    part = np.zeros_like(mask)
    index = np.argwhere(mask)
    part[tuple(index[: round(share * len(index))].T)] = True
    return part


def test_three_whole_bodies_can_be_measured(case):
    assert measurability(*case) == []


def test_missing_vertebra_is_not_found(case):
    ct, segmentation = case
    labels = np.where(segmentation.labels.array == LABELS["L2"], 0, segmentation.labels.array)
    (reason,) = measurability(ct, with_labels(segmentation, labels))
    assert (reason.code, reason.severity, reason.vertebra) == ("not_found", "warning", "L2")
    assert "L2 was not found" in reason.message


def test_empty_masks_are_three_vertebrae_not_found(case):
    ct, segmentation = case
    reasons = measurability(ct, with_labels(segmentation, np.zeros_like(segmentation.labels.array)))
    assert found(reasons) == [("not_found", "T12"), ("not_found", "L1"), ("not_found", "L2")]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_body_at_the_edge_of_the_scan_is_cut_off(orientation):
    """The scan ends in the middle of T12, whichever array axis runs from foot to head."""
    ct, segmentation = synthetic_case(grid_of(orientation))
    grid = ct.volume.grid
    axis = grid.axis_towards(2)
    middle = round(np.argwhere(segmentation.labels.array == LABELS["T12"])[:, axis].mean())
    head_is_last = grid.affine[2, axis] > 0
    kept = [slice(None)] * 3
    kept[axis] = slice(0, middle + 1) if head_is_last else slice(middle, None)
    start = [s.start or 0 for s in kept]
    hu, labels = (v.array[tuple(kept)] for v in (ct.volume, segmentation.labels))
    cut = grid.cropped(start, labels.shape)
    assert found(measurability(Volume(hu, cut), Segmentation(Volume(labels, cut), {}))) == [("cut_off", "T12")]


@pytest.mark.parametrize(("share", "expected"), [(0.48, [("too_small", "L1")]), (0.55, [])])
def test_body_of_less_than_half_its_neighbours_is_too_small(case, share, expected):
    ct, segmentation = case
    mask = segmentation.labels.array == LABELS["L1"]
    labels = np.where(mask & ~first_voxels(mask, share), 0, segmentation.labels.array)
    assert found(measurability(ct, with_labels(segmentation, labels))) == expected


def test_of_two_masks_the_smaller_one_is_too_small(case):
    ct, segmentation = case
    labels = np.where(segmentation.labels.array == LABELS["T12"], 0, segmentation.labels.array)
    mask = labels == LABELS["L1"]
    labels = np.where(mask & ~first_voxels(mask, 0.4), 0, labels)
    assert found(measurability(ct, with_labels(segmentation, labels))) == [("not_found", "T12"), ("too_small", "L1")]


@pytest.mark.parametrize(("share", "expected"), [(1.2 * MOST_METAL, [("metal", "L2")]), (0.8 * MOST_METAL, [])])
def test_screw_or_cement_in_a_body_is_metal(case, share, expected):
    ct, segmentation = case
    screw = first_voxels(segmentation.labels.array == LABELS["L2"], share)
    assert screw.any()
    assert found(measurability(Volume(np.where(screw, 3000, ct.array), ct.grid), segmentation)) == expected


def test_dense_bone_is_no_metal(case):
    ct, segmentation = case
    assert measurability(Volume(np.where(segmentation.labels.array > 0, 900, ct.array), ct.grid), segmentation) == []


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_bodies_from_head_to_foot_are_in_order(orientation):
    assert misordered(synthetic_case(grid_of(orientation))[1]) == []


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("order", [(0, 3, 2, 1), (0, 2, 1, 3), (0, 1, 3, 2), (0, 3, 0, 1)])
def test_bodies_out_of_order_are_refused(orientation, order):
    segmentation = synthetic_case(grid_of(orientation))[1]
    exchanged = with_labels(segmentation, np.array(order, np.uint8)[segmentation.labels.array])
    (reason,) = misordered(exchanged)
    assert (reason.code, reason.severity, reason.vertebra) == ("wrong_order", "refusal", None)


def test_order_is_judged_on_the_bodies_that_are_there(case):
    _, segmentation = case
    labels = np.where(segmentation.labels.array == LABELS["L1"], 0, segmentation.labels.array)
    assert misordered(with_labels(segmentation, labels)) == []
    assert misordered(with_labels(segmentation, np.zeros_like(labels))) == []


def test_plain_scan_needs_no_caution(case):
    assert cautions(*case, acquisition()) == []


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({"contrast_agent": "ULTRAVIST 370"}, "contrast_agent", "warning"),
        ({"kvp": None}, "kvp_unknown", "warning"),
        ({"slice_thickness_mm": 5.0}, "thick_slices", "info"),
        ({"slice_thickness_mm": 8.0}, "thick_slices", "warning"),
    ],
)
def test_acquisition_that_bears_on_trust(case, changes, code, severity):
    (reason,) = cautions(*case, acquisition(**changes))
    assert (reason.code, reason.severity, reason.vertebra) == (code, severity, None)


def test_unknown_contrast_is_no_contrast(case):
    assert cautions(*case, acquisition(contrast_agent=None)) == []


def test_slices_as_thick_as_the_limit_pass(case):
    assert cautions(*case, acquisition(slice_thickness_mm=3.5)) == []


@pytest.mark.parametrize("orientation", ["straight", "coronal", "oblique"])
def test_thick_slices_are_seen_from_the_grid_along_head_and_foot(orientation):
    size = (10, 10, 10)
    axis = grid_of(orientation).axis_towards(2)
    for thick, expected in ((axis, ["thick_slices"]), ((axis + 1) % 3, [])):
        spacing = [1.0, 1.0, 1.0]
        spacing[thick] = 5.0
        grid = grid_of(orientation, size, tuple(spacing))
        assert grid.axis_towards(2) == axis
        ct, labels = Volume(np.zeros(size), grid), Volume(np.zeros(size, np.uint8), grid)
        reasons = cautions(ct, Segmentation(labels, {}), acquisition())
        assert [reason.code for reason in reasons] == expected


def test_unsure_mask_is_named(case):
    ct, segmentation = case
    unsure = replace(segmentation, confidence={"T12": 0.75, "L1": 0.749, "L2": 0.98})
    (reason,) = cautions(ct, unsure, acquisition())
    assert (reason.code, reason.severity, reason.vertebra) == ("unsure_segmentation", "warning", "L1")
    assert "75%" in reason.message


def test_cautions_add_up(case):
    ct, segmentation = case
    thick = Grid.axis_aligned(ct.grid.size, (1.0, 1.0, 4.0))
    unsure = Segmentation(Volume(segmentation.labels.array, thick), {"L2": 0.5})
    reasons = cautions(Volume(ct.array, thick), unsure, acquisition(kvp=None, contrast_agent="yes"))
    assert {reason.code for reason in reasons} == {
        "contrast_agent",
        "kvp_unknown",
        "thick_slices",
        "unsure_segmentation",
    }


def reading_of(case: tuple[Volume, Segmentation], **changes: object) -> Reading:
    ct, segmentation = case
    return replace(read_region(ct, segmentation.labels, "L1", place_region(segmentation.labels, "L1")), **changes)


def test_a_body_whose_middle_is_whole_can_be_read(case):
    assert readable("L1", reading_of(case), 20.0) == []


@pytest.mark.parametrize(
    ("changes", "height", "code", "severity"),
    [
        ({}, 10.0, "too_flat", "warning"),
        ({"covered": 0.9}, 20.0, "cut_off", "warning"),
        ({"left_out": {"dense": 0.2, "metal": 0.2}}, 20.0, "region_left_out", "warning"),
        ({"left_out": {"hollow": 0.1}}, 20.0, "region_in_part", "info"),
        ({"voxels": 0.0}, 20.0, "no_region", "warning"),
    ],
)
def test_a_body_whose_middle_is_not_is_not_read_or_says_so(case, changes, height, code, severity):
    (reason,) = readable("L1", reading_of(case, **changes), height)
    assert (reason.code, reason.severity, reason.vertebra) == (code, severity, "L1")
    assert "L1" in reason.message


def test_a_mask_without_a_body_is_not_read():
    assert found(readable("L2", None, 0.0)) == [("no_region", "L2")]


def test_what_was_left_out_is_named(case):
    (reason,) = readable("L1", reading_of(case, left_out={"not in the mask": 0.01, "hollow": 0.1}), 20.0)
    assert "cyst" in reason.message and "mask" not in reason.message and "11%" in reason.message
