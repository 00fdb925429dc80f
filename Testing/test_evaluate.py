"""The evaluation's figures on predictions whose quality is known: perfect, shifted, biased, refused."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from example_results import acquisition, grid_of, refused, result_of, synthetic_case, vertebra

for package in ("scipy", "sklearn"):
    pytest.importorskip(package, reason="evaluation needs the training extra")

from OpportunisticBMDLib.pipeline import Run  # noqa: E402
from OpportunisticBMDLib.result import Box, Result, Segmentation  # noqa: E402
from OpportunisticBMDLib.vertebrae import LABELS, VERTEBRAE  # noqa: E402
from OpportunisticBMDLib.volume import Volume  # noqa: E402
from training.dataset import box_ras  # noqa: E402
from training.evaluate import Comparison, _row, compare, table  # noqa: E402
from training.virtual.parameters import draw_parameters  # noqa: E402
from training.virtual.patient import VirtualPatient  # noqa: E402

BMD = {"T12": 150.0, "L1": 120.0, "L2": 90.0}
PERFECT = {name: 1.0 for name in VERTEBRAE}


@pytest.fixture(scope="module", params=["straight", "oblique"])
def patient(request) -> VirtualPatient:
    ct, segmentation = synthetic_case(grid_of(request.param))
    return VirtualPatient(ct.volume, segmentation.labels, dict(BMD), acquisition(), draw_parameters(1))


def perfect_box(patient: VirtualPatient) -> Box:
    return Box(box_ras(patient.labels), 0.99)


def measured(patient: VirtualPatient, used: tuple[str, ...] = ("L1", "L2"), **changes: object) -> Result:
    known = {
        "bmd_mg_cm3": float(np.mean([BMD[name] for name in used])),
        "vertebrae_used": used,
        "vertebrae": {name: vertebra(BMD[name], hu_line_bmd_mg_cm3=BMD[name] + 3) for name in VERTEBRAE},
        "box": perfect_box(patient),
    }
    return result_of(**{**known, **changes})


def test_perfect_prediction(patient):
    found = compare(5, patient, Run(measured(patient), Segmentation(patient.labels, {})))
    assert (found.seed, found.status) == (5, "measured")
    assert found.box_iou == pytest.approx(1.0)
    assert found.dice == PERFECT
    assert found.truth_mg_cm3 == found.bmd_mg_cm3 == 105.0
    assert found.hu_line_mg_cm3 == pytest.approx(108.0)


@pytest.mark.parametrize(("axis", "iou"), [(0, 1 / 3), (1, 1.0), (2, 1 / 3)])
def test_box_shifted_by_half_its_side_overlaps_by_a_third(patient, axis, iou):
    """On the coronal plane, where a shift to the front is not seen."""
    box = perfect_box(patient)
    shift = np.zeros((3, 1))
    shift[axis] = np.ptp(box.ras_mm[axis]) / 2
    result = measured(patient, box=replace(box, ras_mm=box.ras_mm + shift))
    found = compare(0, patient, Run(result, Segmentation(patient.labels, {})))
    assert found.box_iou == pytest.approx(iou)


def test_dice_of_shifted_masks(patient):
    shifted = np.roll(patient.labels.array, 3, axis=0)
    found = compare(0, patient, Run(measured(patient), Segmentation(Volume(shifted, patient.ct.grid), {})))
    for name, label in LABELS.items():
        true, drawn = patient.labels.array == label, shifted == label
        assert 0 < found.dice[name] < 0.95
        assert found.dice[name] == pytest.approx(2 * (true & drawn).sum() / (true.sum() + drawn.sum()))


def test_vertebrae_named_after_their_neighbours_score_nothing(patient):
    up = np.array([0, 2, 3, 1], np.uint8)[patient.labels.array]
    found = compare(0, patient, Run(measured(patient), Segmentation(Volume(up, patient.ct.grid), {})))
    assert found.dice == {name: 0.0 for name in VERTEBRAE}


def test_truth_is_that_of_the_vertebrae_that_were_averaged(patient):
    found = compare(0, patient, Run(measured(patient, ("T12", "L1")), Segmentation(patient.labels, {})))
    assert found.truth_mg_cm3 == 135.0
    assert found.hu_line_mg_cm3 == pytest.approx(138.0)


def test_refusal_before_the_masks_scores_nothing(patient):
    found = compare(0, patient, Run(refused(), None))
    assert found.status == "refused"
    assert found.box_iou == 0.0
    assert found.dice == {name: 0.0 for name in VERTEBRAE}
    assert found.truth_mg_cm3 == 105.0
    assert np.isnan(found.bmd_mg_cm3) and np.isnan(found.hu_line_mg_cm3)


def test_refusal_after_the_masks_keeps_their_dice(patient):
    only_l1 = np.where(patient.labels.array == LABELS["L1"], LABELS["L1"], 0).astype(np.uint8)
    result = measured(patient, status="refused", bmd_mg_cm3=None, vertebrae_used=())
    found = compare(0, patient, Run(result, Segmentation(Volume(only_l1, patient.ct.grid), {})))
    assert found.box_iou == pytest.approx(1.0)
    assert found.dice == {"T12": 0.0, "L1": 1.0, "L2": 0.0}
    assert np.isnan(found.bmd_mg_cm3) and np.isnan(found.hu_line_mg_cm3)


TRUTH = np.array([60.0, 90.0, 120.0, 150.0, 180.0])


def comparisons(bmd: np.ndarray, line: np.ndarray | None = None, **changes: object) -> list[Comparison]:
    known = {"status": "measured", "box_iou": 0.9, "dice": PERFECT}
    line = bmd if line is None else line
    return [
        Comparison(seed, truth_mg_cm3=t, bmd_mg_cm3=b, hu_line_mg_cm3=x, **{**known, **changes})
        for seed, (t, b, x) in enumerate(zip(TRUTH, bmd, line))
    ]


REFUSAL = Comparison(9, "refused", 0.0, {name: 0.0 for name in VERTEBRAE}, 100.0, np.nan, np.nan)


def rows_of(text: str) -> dict[str, str]:
    lines = [line.strip("|").split("|") for line in text.splitlines()]
    assert [cell.strip() for cell in lines[0]] == ["figure", "value"]
    assert set(lines[1]) == {"---"}
    return {name.strip(): value.strip() for name, value in lines[2:]}


def test_table_of_perfect_predictions():
    rows = rows_of(table(comparisons(TRUTH)))
    assert rows["patients, measured"] == "5, 5"
    assert rows["boxes with IoU >= 0.7"] == "5 / 5"
    assert rows["box IoU, mean (least)"] == "0.900 (0.900)"
    assert rows["Dice L2, mean +- SD (share > 0.9)"] == "1.000 +- 0.000 (100%)"
    assert rows["BMD: R2 against truth"] == "1.000"
    assert rows["BMD: bias, SD of the error (mg/cm3)"] == "+0.0, 0.0"
    assert rows["BMD: slope, intercept (mg/cm3)"] == "1.000, +0.0"


def test_table_separates_the_network_from_the_line():
    """The network is 10 mg/cm3 too low throughout; the line scales everything by 1.1."""
    rows = rows_of(table(comparisons(TRUTH - 10, TRUTH * 1.1)))
    assert rows["BMD: bias, SD of the error (mg/cm3)"] == "-10.0, 0.0"
    assert rows["BMD: slope, intercept (mg/cm3)"] == "1.000, -10.0"
    # 1 - 5 x 10^2 / (30^2 x 10)
    assert rows["BMD: R2 against truth"] == "0.944"
    assert rows["HU line: bias, SD of the error (mg/cm3)"] == "+12.0, 4.7"
    assert rows["HU line: slope, intercept (mg/cm3)"] in ("1.100, +0.0", "1.100, -0.0")


def test_refused_patients_count_as_failures_and_leave_the_regression_alone():
    rows = rows_of(table([*comparisons(TRUTH), REFUSAL]))
    assert rows["patients, measured"] == "6, 5"
    assert rows["boxes with IoU >= 0.7"] == "5 / 6"
    assert rows["box IoU, mean (least)"] == "0.750 (0.000)"
    assert rows["Dice T12, mean +- SD (share > 0.9)"] == "0.833 +- 0.373 (83%)"
    assert rows["BMD: R2 against truth"] == "1.000"


def test_iou_at_the_limit_counts():
    assert rows_of(table(comparisons(TRUTH, box_iou=0.7)))["boxes with IoU >= 0.7"] == "5 / 5"
    assert rows_of(table(comparisons(TRUTH, box_iou=0.699)))["boxes with IoU >= 0.7"] == "0 / 5"


@pytest.mark.parametrize("cases", [[REFUSAL], [REFUSAL] * 3, comparisons(TRUTH)[:2]])
def test_table_without_enough_measurements_has_no_regression(cases):
    rows = rows_of(table(cases))
    assert len(rows) == 3 + len(VERTEBRAE)
    assert not any(name.startswith(("BMD", "HU line")) for name in rows)


def test_line_per_patient_is_flat(tmp_path):
    row = _row(comparisons(TRUTH)[1])
    with (tmp_path / "patients.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        writer.writeheader()
        writer.writerow(row)
    (read,) = csv.DictReader((tmp_path / "patients.csv").open())
    assert read["seed"] == "1"
    assert (read["truth_mg_cm3"], read["bmd_mg_cm3"]) == ("90.0", "90.0")
    assert [float(read[f"dice_{name}"]) for name in VERTEBRAE] == [1.0, 1.0, 1.0]
