"""The evaluation's records and table on predictions whose quality is known: perfect, shifted, biased, refused."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from example_results import grid_of, refused, result_of, synthetic_case, vertebra

for package in ("scipy", "sklearn", "statsmodels", "monai", "MLstatkit"):
    pytest.importorskip(package, reason="evaluation needs the training extra")

from OpportunisticBMDLib.core.box import (  # noqa: E402
    Box,
    box_ras,
)
from OpportunisticBMDLib.core.result import Result  # noqa: E402
from OpportunisticBMDLib.core.segmentation import Segmentation  # noqa: E402
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE  # noqa: E402
from OpportunisticBMDLib.core.volume import Volume  # noqa: E402
from OpportunisticBMDLib.pipeline import Run  # noqa: E402
from OpportunisticBMDTraining.evaluate.compare import compare, surface_distances  # noqa: E402
from OpportunisticBMDTraining.evaluate.comparisons import (  # noqa: E402
    Comparison,
    Facts,
    VertebraComparison,
    comparison_of,
    load_comparisons,
    row_of,
    write_comparisons,
)
from OpportunisticBMDTraining.evaluate.table import table  # noqa: E402
from OpportunisticBMDTraining.evaluate.truth import Truth  # noqa: E402
from OpportunisticBMDTraining.virtual.scanner import scanner_line  # noqa: E402

BMD = {"T12": 150.0, "L1": 120.0, "L2": 90.0}
PERFECT = {name: 1.0 for name in VERTEBRAE}


@pytest.fixture(scope="module", params=["straight", "oblique"])
def patient(request) -> Truth:
    _, segmentation = synthetic_case(grid_of(request.param))
    return Truth("5", segmentation.labels, dict(BMD), Facts(sex="female", kvp=120.0), seed=5)


def perfect_box(patient: Truth) -> Box:
    return Box(box_ras(patient.labels), 0.99)


def measured(patient: Truth, used: tuple[str, ...] = ("L1", "L2"), **changes: object) -> Result:
    known = {
        "bmd_mg_cm3": float(np.mean([BMD[name] for name in used])),
        "vertebrae_used": used,
        "vertebrae": {name: vertebra(BMD[name], network_bmd_mg_cm3=BMD[name] + 3) for name in VERTEBRAE},
        "box": perfect_box(patient),
    }
    return result_of(**{**known, **changes})


def test_perfect_prediction(patient):
    found = compare(patient, Run(measured(patient), Segmentation(patient.labels, {})), cohort="one-scanner")
    assert (found.id, found.seed, found.status, found.cohort) == ("5", 5, "measured", "one-scanner")
    assert found.box_iou == pytest.approx(1.0)
    assert found.upper_edge_mm == found.lower_edge_mm == 0.0
    assert found.dice == PERFECT
    assert found.truth_mg_cm3 == found.bmd_mg_cm3 == 105.0
    assert found.network_mg_cm3 == pytest.approx(108.0)
    assert found.in_crop and found.measured and found.measurable
    for v in found.vertebrae.values():
        assert v.labelled_right and v.whole
        assert v.surface_mm == v.hausdorff95_mm == 0.0


@pytest.mark.parametrize(("axis", "iou"), [(0, 1 / 3), (1, 1.0), (2, 1 / 3)])
def test_box_shifted_by_half_its_side_overlaps_by_a_third(patient, axis, iou):
    """On the coronal plane, where a shift to the front is not seen."""
    box = perfect_box(patient)
    shift = np.zeros((3, 1))
    shift[axis] = np.ptp(box.ras_mm[axis]) / 2
    result = measured(patient, box=replace(box, ras_mm=box.ras_mm + shift))
    found = compare(patient, Run(result, Segmentation(patient.labels, {})))
    assert found.box_iou == pytest.approx(iou)
    assert found.upper_edge_mm == pytest.approx(shift[2, 0])
    assert found.lower_edge_mm == pytest.approx(shift[2, 0])


def test_crop_that_is_a_millimetre_too_small_does_not_hold_the_masks(patient):
    run = Run(measured(patient), Segmentation(patient.labels, {}))
    size = np.ptp(box_ras(patient.labels, margin_mm=0.0), axis=1)
    assert compare(patient, run, crop_mm=size + 1e-6).in_crop
    for axis in range(3):
        assert not compare(patient, run, crop_mm=size - np.eye(3)[axis]).in_crop


def test_dice_of_shifted_masks(patient):
    shifted = np.roll(patient.labels.array, 3, axis=0)
    found = compare(patient, Run(measured(patient), Segmentation(Volume(shifted, patient.labels.grid), {})))
    for name, label in LABELS.items():
        true, drawn = patient.labels.array == label, shifted == label
        assert 0 < found.dice[name] < 0.95
        assert found.dice[name] == pytest.approx(2 * (true & drawn).sum() / (true.sum() + drawn.sum()))
        # Moved by 3 voxels of 2 mm: no surface point lies farther than that from the other surface.
        assert 0 < found.vertebrae[name].surface_mm < found.vertebrae[name].hausdorff95_mm <= 6.0 + 1e-4


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_surface_distance_is_in_millimetres_along_each_axis(axis):
    """Two flat plates, 2 voxels apart: every point lies as far from the other plate."""
    grid = grid_of("straight")
    found, true = np.zeros(grid.size, bool), np.zeros(grid.size, bool)
    found[tuple(slice(20, 21) if n == axis else slice(10, 30) for n in range(3))] = True
    true[tuple(slice(22, 23) if n == axis else slice(10, 30) for n in range(3))] = True
    surface, hausdorff = surface_distances(found, true, grid)
    assert surface == pytest.approx(2 * grid.spacing[axis], rel=1e-5)
    assert hausdorff == pytest.approx(2 * grid.spacing[axis], rel=1e-5)
    assert np.isnan(surface_distances(found & ~found, true, grid)).all()


def test_vertebrae_named_after_their_neighbours_score_nothing(patient):
    up = np.array([0, 2, 3, 1], np.uint8)[patient.labels.array]
    found = compare(patient, Run(measured(patient), Segmentation(Volume(up, patient.labels.grid), {})))
    assert found.dice == {name: 0.0 for name in VERTEBRAE}
    assert not any(v.labelled_right for v in found.vertebrae.values())


def test_mask_beyond_the_last_true_vertebra_is_named_wrong(patient):
    """The nearest true vertebra of an L2 that lies a level too low is L2 itself, but it is too far away."""
    height = patient.labels.grid.axis_towards(2)
    low = np.roll(np.where(patient.labels.array == LABELS["L2"], LABELS["L2"], 0), -9, axis=height).astype(np.uint8)
    found = compare(patient, Run(measured(patient), Segmentation(Volume(low, patient.labels.grid), {})))
    assert not found.vertebrae["L2"].labelled_right


def test_vertebra_that_the_scan_cuts_is_not_whole(patient):
    height = patient.labels.grid.axis_towards(2)
    top = np.argwhere(patient.labels.array == LABELS["T12"])[:, height].mean().astype(int)
    keep = tuple(slice(0, top if n == height else size) for n, size in enumerate(patient.labels.grid.size))
    cut = replace(patient, labels=patient.labels.part(keep))
    found = compare(cut, Run(measured(cut), Segmentation(cut.labels, {})))
    assert {name: v.whole for name, v in found.vertebrae.items()} == {"T12": False, "L1": True, "L2": True}
    assert {name: v.measurable for name, v in found.vertebrae.items()} == {"T12": False, "L1": True, "L2": True}
    assert found.measurable


def test_truth_is_that_of_the_vertebrae_that_were_averaged(patient):
    found = compare(patient, Run(measured(patient, ("T12", "L1")), Segmentation(patient.labels, {})))
    assert found.truth_mg_cm3 == 135.0
    assert found.network_mg_cm3 == pytest.approx(138.0)


def test_mean_over_a_vertebra_with_cement_is_held_against_what_a_reader_would_have_taken(patient):
    """It must not drop out of the figures because the cemented vertebra has no density."""
    known = {"T12": 150.0, "L1": 120.0}
    cemented = replace(patient, bmd_mg_cm3=known, not_measurable=frozenset({"L2"}))
    found = compare(cemented, Run(measured(patient), Segmentation(patient.labels, {})))
    assert found.truth_mg_cm3 == 135.0
    assert {name: v.measurable for name, v in found.vertebrae.items()} == {"T12": True, "L1": True, "L2": False}
    assert all(v.whole for v in found.vertebrae.values())
    assert found.measurable


def test_unknown_reference_leaves_the_truth_open(patient):
    unknown = replace(patient, bmd_mg_cm3={"T12": None, "L1": 120.0, "L2": None})
    found = compare(unknown, Run(measured(patient), Segmentation(patient.labels, {})))
    assert np.isnan(found.truth_mg_cm3) and found.measured
    assert found.vertebrae["L1"].truth_mg_cm3 == 120.0 and np.isnan(found.vertebrae["L2"].truth_mg_cm3)


def test_refusal_before_the_masks_scores_nothing(patient):
    found = compare(patient, Run(refused(), None))
    assert found.status == "refused"
    assert found.box_iou == 0.0 and np.isnan(found.upper_edge_mm) and not found.in_crop
    assert found.dice == {name: 0.0 for name in VERTEBRAE}
    assert found.truth_mg_cm3 == 105.0
    assert np.isnan(found.bmd_mg_cm3) and np.isnan(found.network_mg_cm3)
    assert found.reasons == ("box_leaves_scan",)
    assert found.message.startswith("The CT ends 12 mm below")


def test_refusal_after_the_masks_keeps_their_dice(patient):
    only_l1 = np.where(patient.labels.array == LABELS["L1"], LABELS["L1"], 0).astype(np.uint8)
    result = measured(patient, status="refused", bmd_mg_cm3=None, vertebrae_used=())
    found = compare(patient, Run(result, Segmentation(Volume(only_l1, patient.labels.grid), {})))
    assert found.box_iou == pytest.approx(1.0)
    assert found.dice == {"T12": 0.0, "L1": 1.0, "L2": 0.0}
    assert np.isnan(found.bmd_mg_cm3) and np.isnan(found.network_mg_cm3)


def test_scanner_line_undoes_the_scanners_slope_and_offset():
    """A density shown by the tube voltage's line, then changed by the scanner, is read back exactly."""
    from OpportunisticBMDLib.calibration import line_for

    hu = line_for(100.0).hu(130.0) * 1.04 - 4.5
    assert scanner_line(100.0, 1.04, -4.5).bmd(hu) == pytest.approx(130.0)


TRUTH = np.array([60.0, 90.0, 120.0, 150.0, 180.0])


def comparisons(bmd: np.ndarray, line: np.ndarray | None = None, dice: float = 1.0, **changes: object) -> list:
    known = {"status": "measured", "box_iou": 0.9, "vertebrae": {n: VertebraComparison(dice=dice) for n in VERTEBRAE}}
    line = bmd if line is None else line
    return [
        Comparison(
            str(seed),
            seed=seed,
            **{**known, "truth_mg_cm3": float(t), "bmd_mg_cm3": float(b), "network_mg_cm3": float(x), **changes},
        )
        for seed, (t, b, x) in enumerate(zip(TRUTH, bmd, line))
    ]


REFUSAL = Comparison("9", "refused", truth_mg_cm3=100.0)


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
    assert rows["BMD: slope, intercept (mg/cm3)"] in ("1.000, +0.0", "1.000, -0.0")


def test_table_separates_the_network_from_the_line():
    """The network is 10 mg/cm3 too low throughout; the line scales everything by 1.1."""
    rows = rows_of(table(comparisons(TRUTH - 10, TRUTH * 1.1)))
    assert rows["BMD: bias, SD of the error (mg/cm3)"] == "-10.0, 0.0"
    assert rows["BMD: slope, intercept (mg/cm3)"] == "1.000, -10.0"
    # 1 - 5 x 10^2 / (30^2 x 10)
    assert rows["BMD: R2 against truth"] == "0.944"
    assert rows["DenseNet: bias, SD of the error (mg/cm3)"] == "+12.0, 4.7"
    assert rows["DenseNet: slope, intercept (mg/cm3)"] in ("1.100, +0.0", "1.100, -0.0")


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
    assert list(rows)[: 3 + len(VERTEBRAE)][-1].startswith("Dice L2")
    assert not any(name.startswith(("BMD", "DenseNet")) for name in rows)
    assert not any("nan" in value for value in rows.values())


def full_record() -> Comparison:
    return Comparison(
        id="virtual-7",
        status="review",
        seed=7,
        cohort="one-scanner",
        models="bmd: densenet abc",
        reasons=("contrast_agent", "vertebrae_differ"),
        message='Says "so", with a comma.',
        facts=Facts("female", "60-69", 0.93, 120.0, 1.25, True, "virtual", ("13 ribs", "metal")),
        vertebrae={
            "T12": VertebraComparison(False, False, 0.91, 0.4, 1.2, True, 101.5, 99.25, 4.0, 103.0, 0.97),
            "L2": VertebraComparison(True, True, 0.0),
        },
        box_score=0.99,
        box_iou=0.875,
        upper_edge_mm=-1.5,
        lower_edge_mm=2.25,
        in_crop=True,
        truth_mg_cm3=100.0,
        bmd_mg_cm3=1 / 3,
        bmd_sd_mg_cm3=5.0,
        network_mg_cm3=104.0,
        calibrated_mg_cm3=101.0,
        calibrated_sd_mg_cm3=2.5,
        calibrated_network_mg_cm3=102.0,
        line="voltage",
        corrected=True,
        filed_mg_cm3=99.5,
        probability_osteoporosis=1e-7,
        probability_abnormal=0.75,
        seconds=9.5,
    )


def test_records_come_back_from_csv_as_they_were(tmp_path):
    """Floats to the last bit, unknown as unknown."""
    records = [full_record(), replace(full_record(), id="b", seed=None, facts=Facts(contrast=False)), REFUSAL]
    write_comparisons(tmp_path / "cases.csv", records)
    back = load_comparisons(tmp_path / "cases.csv")
    assert [row_of(record) for record in back] == [row_of(record) for record in records]
    assert back[0].vertebrae["T12"] == records[0].vertebrae["T12"]
    assert (back[0].facts, back[0].reasons, back[0].message) == (
        records[0].facts,
        records[0].reasons,
        records[0].message,
    )
    assert back[0].bmd_mg_cm3 == 1 / 3
    assert back[1].seed is None and back[1].facts.contrast is False
    assert not back[2].measured and np.isnan(back[2].bmd_mg_cm3)


def test_line_per_patient_is_flat(tmp_path):
    write_comparisons(tmp_path / "patients.csv", [comparisons(TRUTH)[1]])
    (read,) = csv.DictReader((tmp_path / "patients.csv").open())
    assert read["seed"] == "1"
    assert (read["truth_mg_cm3"], read["bmd_mg_cm3"]) == ("90.0", "90.0")
    assert [float(read[f"dice_{name}"]) for name in VERTEBRAE] == [1.0, 1.0, 1.0]


def test_columns_of_an_older_file_that_are_missing_are_unknown():
    back = comparison_of({"id": "3", "status": "measured", "bmd_mg_cm3": "101.5", "dice_L1": "0.9"})
    assert (back.bmd_mg_cm3, back.dice["L1"], back.dice["L2"], back.facts) == (101.5, 0.9, 0.0, Facts())
