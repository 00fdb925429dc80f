"""The chain with the models that ship: a box moved by hand, masks edited, vertebrae left out, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest

from example_levels import sure, unsure
from noisy_case import computed_line_pipeline, noisy_case, unseen
from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.contrast import NOT_TOLD
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.levels import Levels
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.vertebra import UnmeasuredVertebra
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.edits import Edits
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.pipeline import Pipeline, Run
from OpportunisticBMDLib.results.json_file import as_json, result_from_json
from OpportunisticBMDLib.stages.localize import Localizer

OWN_LINE = Calibration("phantom", "HA", 1.1, 3.0, "measured on this scanner", kind="given")


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return computed_line_pipeline()


@pytest.fixture(scope="module")
def case() -> tuple[CT, Segmentation]:
    return noisy_case()


@pytest.fixture(scope="module")
def automatic(pipeline, case) -> Run:
    return pipeline.measure(*case)


@pytest.fixture(scope="module")
def patient() -> CT:
    virtual_patient = pytest.importorskip(
        "OpportunisticBMDTraining.virtual.patient", reason="virtual patients need the training extra"
    ).virtual_patient
    made = virtual_patient(1)
    return CT(made.ct, made.acquisition)


def eroded(segmentation: Segmentation, *names: str, share: float = 0.1) -> Segmentation:
    """A share of each named vertebra's voxels is taken away from one side."""
    labels = segmentation.labels.array.copy()
    for name in names:
        index = np.argwhere(labels == LABELS[name])
        labels[tuple(index[: int(share * len(index))].T)] = 0
    return Segmentation(Volume(labels, segmentation.labels.grid), segmentation.confidence)


@contextmanager
def passes(pipeline: Pipeline) -> Iterator[list]:
    """One entry for each time that the BMD network is used."""
    seen: list = []
    handle = pipeline.densitometer.network.module.register_forward_hook(lambda *_: seen.append(1))
    yield seen
    handle.remove()


def same(first: Result, second: Result) -> bool:
    """To the last bit, whatever time it took."""
    figures = [
        (r.status, r.reasons, r.bmd_mg_cm3, r.bmd_sd_mg_cm3, r.vertebrae_used, r.category, r.probability, r.vertebrae)
        for r in (first, second)
    ]
    return figures[0] == figures[1]


def codes(result: Result) -> list[tuple[str, str | None]]:
    return [(reason.code, reason.vertebra) for reason in result.reasons]


def beside(segmentation: Segmentation, name: str) -> Segmentation:
    """A spur on one side of a vertebra, away from the middle of the body."""
    grid = segmentation.labels.grid
    labels = segmentation.labels.array.copy()
    ras = grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1))
    right, front, up = np.moveaxis(ras - grid.ras_of(np.argwhere(labels == LABELS[name]).mean(axis=0)), -1, 0)
    labels[(np.abs(right - 19) < 4) & (np.abs(front - 13) < 3) & (np.abs(up) < 3)] = LABELS[name]
    assert (labels != segmentation.labels.array).sum() > 20
    return Segmentation(Volume(labels, grid), segmentation.confidence)


@pytest.mark.parametrize("changed", [("L1",), ("T12",), ("T12", "L2"), VERTEBRAE, ()])
def test_figures_after_an_edit_are_those_of_measuring_anew(pipeline, case, automatic, changed):
    ct, segmentation = case
    edited = eroded(segmentation, *changed)
    edits = Edits(edited=frozenset(changed))
    with passes(pipeline) as used:
        after = pipeline.measure(unseen(ct), edited, edits=edits, previous=automatic.result)
    assert len(used) >= len(changed) and bool(used) == bool(changed)
    assert same(after.result, pipeline.measure(unseen(ct), edited, edits=edits).result)
    assert same(after.result, automatic.result) == (not changed)
    assert after.segmentation is edited


@pytest.mark.parametrize("name", VERTEBRAE)
def test_an_edit_beside_the_region_changes_nothing_that_is_read(pipeline, case, automatic, name):
    """To the last bit, and without the network."""
    ct, segmentation = case
    edited = beside(segmentation, name)
    with passes(pipeline) as used:
        after = pipeline.measure(unseen(ct), edited, previous=automatic.result).result
    assert not used and after.bmd_mg_cm3 == automatic.result.bmd_mg_cm3
    anew = pipeline.measure(unseen(ct), edited).result
    assert (anew.bmd_mg_cm3, anew.bmd_sd_mg_cm3) == (automatic.result.bmd_mg_cm3, automatic.result.bmd_sd_mg_cm3)
    for vertebra, before in automatic.result.vertebrae.items():
        assert anew.vertebrae[vertebra].middle.region == before.middle.region
        assert anew.vertebrae[vertebra].middle.hu_mean == before.middle.hu_mean
    assert anew.vertebrae[name].mask.volume_mm3 != automatic.result.vertebrae[name].mask.volume_mm3


def test_an_edit_that_moves_the_region_moves_the_number(pipeline, case, automatic):
    """L1 is denser on one side; half of its mask is rubbed out on the other."""
    ct, segmentation = case
    grid = ct.volume.grid
    right = np.moveaxis(grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1)), -1, 0)[0]
    middle = automatic.result.vertebrae["L1"].mask.centroid_ras_mm[0]
    sloped = replace(ct, volume=Volume(ct.volume.array + 3 * (right - middle), grid))
    rubbed = np.where((right < middle) & (segmentation.labels.array == LABELS["L1"]), 0, segmentation.labels.array)
    before, after = (
        pipeline.measure(sloped, Segmentation(Volume(labels.astype(np.uint8), grid), {})).result.vertebrae["L1"]
        for labels in (segmentation.labels.array, rubbed)
    )
    assert after.middle.region.centre_ras[0] > before.middle.region.centre_ras[0] + 4
    assert after.middle.hu_mean > before.middle.hu_mean + 12


def test_undo_brings_the_old_figures_back(pipeline, case, automatic):
    ct, segmentation = case
    edited = pipeline.measure(ct, eroded(segmentation, "L1"), previous=automatic.result)
    undone = pipeline.measure(ct, segmentation, previous=edited.result)
    assert not same(edited.result, automatic.result) and same(undone.result, automatic.result)


def test_a_vertebra_that_becomes_too_small_is_replaced_and_comes_back(pipeline, case, automatic):
    ct, segmentation = case
    small = eroded(segmentation, "L2", share=0.7)
    after = pipeline.measure(ct, small, previous=automatic.result)
    assert after.result.vertebrae_used == ("T12", "L1") and ("too_small", "L2") in codes(after.result)
    assert same(after.result, pipeline.measure(ct, small).result)
    back = pipeline.measure(ct, segmentation, previous=after.result)
    assert same(back.result, automatic.result)


def test_a_body_that_sank_is_named_and_left_out_and_t12_takes_its_place(pipeline, case, automatic):
    ct, segmentation = case
    labels, grid = segmentation.labels.array, segmentation.labels.grid
    up = grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1))[..., 2]
    middle = automatic.result.vertebrae["L1"].mask.centroid_ras_mm[2]
    flat = np.where((labels == LABELS["L1"]) & (np.abs(up - middle) > 4), 0, labels).astype(np.uint8)
    result = pipeline.measure(ct, Segmentation(Volume(flat, grid), segmentation.confidence)).result
    assert [code for code in codes(result) if code[1] == "L1"] == [("compressed", "L1"), ("t12_substituted", "L1")]
    assert result.vertebrae_used == ("T12", "L2") and result.status == "review"
    assert isinstance(result.vertebrae["L1"], UnmeasuredVertebra)
    assert "compressed" not in {code for code, _ in codes(automatic.result)}


def test_a_result_that_was_saved_serves_as_well(pipeline, case, automatic):
    ct, segmentation = case
    saved = result_from_json(as_json(automatic.result))
    edited = eroded(segmentation, "L1")
    after = pipeline.measure(ct, edited, previous=saved)
    assert same(after.result, pipeline.measure(ct, edited).result)


def test_an_excluded_vertebra_is_replaced_by_t12(pipeline, case, automatic):
    ct, segmentation = case
    edits = Edits(excluded=frozenset({"L2"}))
    with passes(pipeline) as used:
        run = pipeline.measure(unseen(ct), segmentation, edits=edits, previous=automatic.result)
    assert len(used) == 2  # the new pair: its densities are averaged anew
    with passes(pipeline) as used:
        pipeline.measure(ct, segmentation, edits=edits, previous=automatic.result)
    assert not used  # this CT was looked at in these places before
    assert run.result.vertebrae_used == ("T12", "L1") and run.result.status == "review"
    assert ("excluded_by_reader", "L2") in codes(run.result) and ("t12_substituted", "L2") in codes(run.result)
    assert isinstance(run.result.vertebrae["L2"], UnmeasuredVertebra)
    assert run.result.vertebrae["L2"].mask.hu_mean == automatic.result.vertebrae["L2"].mask.hu_mean
    assert same(run.result, pipeline.measure(unseen(ct), segmentation, edits=edits).result)
    back = pipeline.measure(unseen(ct), segmentation, previous=run.result)
    assert same(back.result, automatic.result)


def test_leaving_out_two_is_a_refusal_that_says_why(pipeline, case):
    run = pipeline.measure(*case, edits=Edits(excluded=frozenset({"L2", "T12"})))
    assert run.result.status == "refused" and run.result.bmd_mg_cm3 is None and run.segmentation is case[1]
    (message,) = [reason.message for reason in run.result.reasons if reason.severity == "refusal"]
    assert message.endswith("no mean density can be given: T12 and L2 were left out.")


def test_masks_edited_by_hand_are_said_to_be_and_are_not_doubted(pipeline, case):
    ct, segmentation = case
    unsure = Segmentation(segmentation.labels, {**segmentation.confidence, "L1": 0.4})
    assert ("unsure_segmentation", "L1") in codes(pipeline.measure(ct, unsure).result)
    run = pipeline.measure(ct, unsure, edits=Edits(edited=frozenset({"L1"})))
    assert codes(run.result) == [("edited_by_hand", "L1")]
    assert run.result.vertebrae["L1"].mask.confidence is None
    assert run.result.vertebrae["L2"].mask.confidence == 0.97
    assert run.segmentation.confidence["L1"] == 0.4


def test_edits_are_of_known_vertebrae():
    with pytest.raises(ValueError, match="L3"):
        Edits(edited=frozenset({"L3"}))


def test_other_thresholds_give_another_category_at_the_same_number(pipeline, case, automatic):
    bmd = automatic.result.bmd_mg_cm3
    strict = replace(pipeline, thresholds=Thresholds(bmd + 10, bmd + 50))
    run = strict.measure(*case, previous=automatic.result)
    assert run.result.bmd_mg_cm3 == bmd and run.result.category == "osteoporosis"
    assert run.result.probability["osteoporosis"] > automatic.result.probability["osteoporosis"]
    assert run.result.thresholds == strict.thresholds
    assert same(run.result, strict.measure(*case).result)


def test_the_line_of_the_tissues_stays_from_one_edit_to_the_next(pipeline, case):
    ct, segmentation = case
    by_tissues = replace(pipeline, calibration=None)
    first = by_tissues.measure(ct, segmentation).result
    assert first.calibration.kind == "internal" and first.calibration != line_for(120)
    edited = eroded(segmentation, "L1", share=0.3)
    after = by_tissues.measure(ct, edited, previous=first).result
    assert after.calibration == first.calibration and after.bmd_mg_cm3 != first.bmd_mg_cm3
    assert by_tissues.measure(ct, edited).result.calibration != first.calibration  # it would have moved


def test_a_result_that_never_looked_for_contrast_does_not_hide_it(pipeline, case, automatic):
    former = replace(automatic.result, contrast=NOT_TOLD)
    after = pipeline.measure(*case, previous=former).result
    assert after.contrast == automatic.result.contrast != NOT_TOLD


def test_a_scanners_own_line_replaces_the_computed_one(pipeline, case, automatic):
    ct, segmentation = case
    own = replace(pipeline, calibration=OWN_LINE)
    run = own.measure(ct, segmentation, previous=automatic.result)
    assert run.result.calibration == OWN_LINE
    l1 = run.result.vertebrae["L1"]
    assert l1.bmd_mg_cm3 == pytest.approx((l1.middle.hu_mean - 3.0) / 1.1)
    assert same(run.result, own.measure(ct, segmentation).result)


def test_with_a_line_of_its_own_an_unknown_voltage_does_not_matter(pipeline, case):
    ct = replace(case[0], acquisition=replace(case[0].acquisition, kvp=None))
    assert ("kvp_unknown", None) in codes(pipeline.measure(ct, case[1]).result)
    assert ("kvp_unknown", None) not in codes(replace(pipeline, calibration=OWN_LINE).measure(ct, case[1]).result)


def test_masks_without_a_voxel_are_refused(pipeline, case):
    ct = case[0]
    empty = Segmentation(Volume(np.zeros(ct.volume.grid.size, np.uint8), ct.volume.grid), {})
    result = pipeline.measure(ct, empty).result
    assert result.status == "refused" and ("too_few_vertebrae", None) in codes(result)


def test_measuring_keeps_the_box_and_names_the_one_that_was_moved(pipeline, case):
    box = Box(np.array([[0.0, 10], [0, 10], [0, 10]]), 0.9)
    first = pipeline.measure(*case, edits=Edits(box=box)).result
    assert first.box is box and ("box_moved_by_hand", None) in codes(first)
    assert pipeline.measure(*case, previous=first).result.box is box


def test_progress_of_a_measurement_runs_from_0_to_1(pipeline, case):
    heard: list[tuple[str, float]] = []
    pipeline.measure(*case, progress=lambda *step: heard.append(step))
    assert {stage for stage, _ in heard} == {"measure"}
    assert [fraction for _, fraction in heard] == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_a_box_moved_by_hand_is_segmented_and_measured(pipeline, patient):
    heard: list[tuple[str, float]] = []
    run = pipeline.run(patient, lambda *step: heard.append(step))
    fractions = [fraction for _, fraction in heard]
    assert list(dict.fromkeys(stage for stage, _ in heard)) == ["localize", "name", "segment", "measure"]
    assert fractions == sorted(fractions) and fractions[0] == 0.0 and fractions[-1] == pytest.approx(1.0)

    heard.clear()
    again = pipeline.segment_within(patient, run.result.box, lambda *step: heard.append(step))
    assert heard[0] == ("name", 0.0) and heard[-1] == ("measure", pytest.approx(1.0))
    assert np.array_equal(again.segmentation.labels.array, run.segmentation.labels.array)
    assert again.result.vertebrae == run.result.vertebrae and again.result.bmd_mg_cm3 == run.result.bmd_mg_cm3
    assert ("box_moved_by_hand", None) in codes(again.result)
    assert ("box_moved_by_hand", None) not in codes(run.result)

    higher = Box(run.result.box.ras_mm + [[0], [0], [34]], 1.0)
    moved = pipeline.segment_within(patient, higher)
    assert moved.result.box is higher
    assert not np.array_equal(moved.segmentation.labels.array, run.segmentation.labels.array)


@dataclass(frozen=True)
class Astray:
    """A localizer whose box lies too high or too low."""

    localizer: Localizer
    millimetres: float

    @property
    def card(self) -> ModelCard:
        return self.localizer.card

    def __call__(self, ct: Volume) -> Box:
        box = self.localizer(ct)
        return replace(box, ras_mm=box.ras_mm + [[0], [0], [self.millimetres]])


@pytest.mark.parametrize("millimetres", [-8.0, 8.0])
def test_a_box_that_is_a_little_off_is_corrected_by_its_masks(pipeline, patient, millimetres):
    straight = pipeline.run(patient)
    run = replace(pipeline, localizer=Astray(pipeline.localizer, millimetres)).run(patient)
    np.testing.assert_allclose(run.result.box.ras_mm[2], straight.result.box.ras_mm[2], atol=3.0)
    assert run.result.box.score == straight.result.box.score
    assert run.result.bmd_mg_cm3 == pytest.approx(straight.result.bmd_mg_cm3, abs=3.0)


def test_levels_that_are_not_sure_ask_for_a_look(pipeline, case):
    def measured(levels: Levels) -> Result:
        first = pipeline.measure(*case).result
        return pipeline.measure(*case, previous=replace(first, levels=levels)).result

    assert ("unsure_levels", None) in codes(measured(unsure())) and measured(unsure()).status == "review"
    assert ("unsure_levels", None) not in codes(measured(sure()))
    assert ("unsure_levels", None) not in codes(measured(unsure().moved_by(1)))


def test_an_empty_box_is_bad_input(pipeline, case):
    with pytest.raises(BadInput, match="no extent"):
        pipeline.segment_within(case[0], Box(np.array([[0.0, 10], [5, 5], [0, 10]]), 1.0))
