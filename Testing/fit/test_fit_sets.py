"""Folds of annotated datasets: what is fitted, what validates, and that the test set is never touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotated_cases import BMD, INFO, annotated_case, write_annotated

pytest.importorskip("lightning", reason="fitting needs the training extra")
pytest.importorskip("monai", reason="fitting needs the training extra")

import torch

from OpportunisticBMDLib.cases import FOLDS, CaseInfo, open_dataset, update_case
from OpportunisticBMDLib.cases.reference import reference_of
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.models import load_card
from OpportunisticBMDTraining.fit.__main__ import main
from OpportunisticBMDTraining.fit.command import run_command
from OpportunisticBMDTraining.fit.samples import readings
from OpportunisticBMDTraining.fit.samples.examples import ReadingSample, load_readings
from OpportunisticBMDTraining.fit.samples.prepare import Sample, prepare_cases, sample_of
from OpportunisticBMDTraining.fit.samples.readings import prepare_case_readings
from OpportunisticBMDTraining.fit.samples.sets import Selection, drawn, selection_of, sets_of
from OpportunisticBMDTraining.fit.tasks import bmd, localizer, segmentation

NO_REFERENCE = replace(INFO, reference_bmd_mg_cm3={}, reference_method=None)


def split_dataset(directory: Path, folds: int = FOLDS, info: CaseInfo = INFO) -> Path:
    """One case in each fold; the last one is the test set."""
    for fold in range(folds):
        bmd_of = {name: value + 9 * fold for name, value in BMD.items()} if info is INFO else None
        write_annotated(directory, annotated_case(f"case-{fold}", info, bmd_of), fold=fold)
    return directory


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    return split_dataset(tmp_path_factory.mktemp("annotated") / "cohort")


@pytest.fixture(scope="module")
def sample() -> Sample:
    case = annotated_case()
    return sample_of("case", case.ct, case.labels)


def named(sample: Sample, *names: str) -> list[Sample]:
    return [replace(sample, name=name) for name in names]


def names(samples) -> list[str]:
    return [sample.name for sample in samples]


# Which cases


def test_round_validates_on_its_fold_and_leaves_the_test_set_out(dataset):
    selection = selection_of(dataset, 1)
    assert selection.fitted == ("case-0", "case-2", "case-3")
    assert selection.validation == ("case-1",)
    assert selection.unseen == {"case-4"}


def test_without_a_fold_all_but_the_test_set_are_fitted(dataset):
    selection = selection_of(dataset, None)
    assert selection.fitted == ("case-0", "case-1", "case-2", "case-3")
    assert selection.validation == () and selection.unseen == {"case-4"}


def test_unfinished_cases_are_not_seen(tmp_path):
    directory = split_dataset(tmp_path / "cohort")
    update_case(directory, "case-2", status="draft")
    selection = selection_of(directory, 1)
    assert selection.fitted == ("case-0", "case-3") and selection.unseen == {"case-2", "case-4"}


@pytest.mark.parametrize("fold", [-1, 4, 7])
def test_test_set_cannot_be_asked_for(dataset, fold):
    with pytest.raises(BadInput, match="give 0 to 3"):
        selection_of(dataset, fold)


def test_dataset_that_is_not_split_is_refused(tmp_path):
    write_annotated(tmp_path / "cohort", annotated_case("one"), annotated_case("two"))
    with pytest.raises(BadInput, match="opportunistic-bmd-lab dataset split"):
        selection_of(tmp_path / "cohort", 0)
    assert selection_of(tmp_path / "cohort", None).fitted == ("one", "two")


def test_round_without_a_validation_set_is_refused(tmp_path):
    with pytest.raises(BadInput, match="validation set of fold 3"):
        selection_of(split_dataset(tmp_path / "cohort", folds=2), 3)


def test_fold_needs_a_dataset():
    with pytest.raises(BadInput, match="--dataset"):
        selection_of(None, 2)


def test_annotated_validation_set_takes_the_place_of_held_out_virtual_patients(sample):
    samples = named(sample, "abdomen", "case-1", "case-2", "virtual-000001", "virtual-000002", "virtual-1-00007")
    cases = sets_of(samples, Selection(fitted=("case-1", "virtual-1-00007"), validation=("case-2",)), held_out=8)
    assert names(cases.real) == ["abdomen", "case-1", "virtual-1-00007"]
    assert names(cases.virtual) == ["virtual-000001", "virtual-000002"]
    assert names(cases.held_out) == ["case-2"]


def test_draws_are_shared_between_real_and_virtual(sample):
    real, virtual = named(sample, "a"), named(sample, "v", "w")
    rng = np.random.default_rng(0)
    many = [drawn(rng, real, virtual, 0.4).name for _ in range(2000)]
    assert many.count("a") / 2000 == pytest.approx(0.4, abs=0.05)
    assert {drawn(rng, real, [], 0.1).name for _ in range(20)} == {"a"}
    assert {drawn(rng, [], virtual, 0.9).name for _ in range(20)} == {"v", "w"}


# Their samples


def test_samples_are_made_once_and_again_where_a_case_changed(dataset, tmp_path):
    opened = open_dataset(dataset)
    prepare_cases(opened, ["case-0"], tmp_path)
    path = tmp_path / "case-0.npz"
    made = path.stat().st_mtime_ns
    prepare_cases(opened, ["case-0"], tmp_path)
    assert path.stat().st_mtime_ns == made
    update_case(dataset, "case-0", info=replace(INFO, kvp=100))
    prepare_cases(opened, ["case-0"], tmp_path)
    assert path.stat().st_mtime_ns > made
    assert [file.name for file in tmp_path.iterdir()] == ["case-0.npz"]


# Annotated cases alone


def test_each_task_draws_and_validates_annotated_cases_alone(sample):
    torch.manual_seed(0)
    for task_of in (localizer.LocalizerTask, segmentation.SegmentationTask):
        task = task_of(real=[sample], virtual=[], held_out=[sample], batch_size=2)
        assert task.cases == 1
        assert torch.isfinite(task.loss(task.batch(np.random.default_rng(3))))
        assert np.isfinite(task.merit(task.validate())).all()


def test_a_case_without_a_figure_of_its_own_is_read_untouched(tmp_path, monkeypatch):
    """Through the masks that were reviewed; one with a figure keeps it."""
    directory = split_dataset(tmp_path / "cohort", folds=1, info=NO_REFERENCE)
    monkeypatch.setattr(readings, "OTHER_SCANS", 0)
    figures = replace(INFO, reference_bmd_mg_cm3={"T12": 130.0, "L2": 90.0})
    write_annotated(directory, annotated_case("with", figures), fold=0)
    opened = open_dataset(directory)
    prepare_case_readings(opened, ["case-0", "with"], tmp_path / "readings", None)
    known, own = load_readings(tmp_path / "readings")[::-1]
    assert {example.vertebra: example.truth for example in known.examples} == {"T12": 130.0, "L2": 90.0}
    reference = reference_of(opened.ct("case-0"), opened.case("case-0").labels, 120.0)
    assert {example.vertebra: example.truth for example in own.examples} == pytest.approx(reference, rel=1e-5)


def test_bmd_without_a_readable_vertebra_is_refused(tmp_path, capsys):
    empty = tmp_path / "samples"
    empty.mkdir()
    for name in ("virtual-1", "virtual-2"):
        ReadingSample(name, name, (), 0).save(empty / f"{name}.npz")
    with pytest.raises(SystemExit) as stop:
        run_command(
            "", bmd.STAGE, ["--samples", str(empty), "--run", str(tmp_path / "run"), "-o", "m", "--held-out", "1"]
        )
    assert stop.value.code == 2
    assert "fitted cases has a vertebra of known BMD" in capsys.readouterr().err


def test_batches_that_cannot_be_normalized_are_refused(dataset, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(readings, "OTHER_SCANS", 0)
    arguments = ["--dataset", str(dataset), "--fold", "0", "--run", str(tmp_path / "run"), "-o", str(tmp_path / "m")]
    with pytest.raises(SystemExit) as stop:
        run_command("", bmd.STAGE, [*arguments, "--batch-size", "1"])
    assert stop.value.code == 2
    assert "needs batches of 2" in capsys.readouterr().err


# Criteria


def test_criteria_are_those_of_the_paper():
    task = bmd.BmdTask([], [], [])
    assert task.merit({"rms_error_mg_cm3": 4.0}) > task.merit({"rms_error_mg_cm3": 5.0})
    dice = [{"dice_T12": t, "dice_L1": 0.9, "dice_L2": 0.9} for t in (0.9, 0.8)]
    task = segmentation.SegmentationTask([], [], [])
    assert task.merit(dice[0]) == pytest.approx((0.9,)) and task.merit(dice[0]) > task.merit(dice[1])
    task = localizer.LocalizerTask([], [], [])
    both = {"recall": 0.9, "precision": 0.9, "iou": 0.1}
    assert task.merit(both) > task.merit({"recall": 1.0, "precision": 0.5, "iou": 0.9})
    assert task.merit(both | {"iou": 0.2}) > task.merit(both)
    assert task.merit({"recall": 0.0, "precision": 0.0, "iou": 0.0}) == (0.0, 0.0)


def test_localizer_counts_boxes_too_many_and_too_far(sample):
    """Three held-out patients: one found with a second box beside it, one missed, one with a box elsewhere."""
    task = localizer.LocalizerTask([], [], [sample] * 3)
    _, box = localizer.picture_of(sample.projections[0], sample.boxes[0])
    guesses = iter(
        [
            {"boxes": torch.cat((box, box + 500)), "scores": torch.tensor([0.9, 0.8])},
            {"boxes": box, "scores": torch.tensor([0.2])},
            {"boxes": box + 500, "scores": torch.tensor([0.7])},
        ]
    )

    class Guessing(torch.nn.Linear):
        def forward(self, pictures):
            return [next(guesses)]

    task.network = Guessing(1, 1)
    figures = task.validate()
    assert figures["recall"] == figures["precision"] == pytest.approx(1 / 3)
    assert figures["iou"] == pytest.approx(0.5)


# All stages


@pytest.mark.slow
def test_one_command_fits_all_stages_and_does_not_repeat_them(dataset, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(readings, "OTHER_SCANS", 1)
    arguments = [
        "--dataset",
        str(dataset),
        "--fold",
        "2",
        "--run",
        str(tmp_path / "run"),
        "-o",
        str(tmp_path / "models"),
    ]
    arguments += ["--steps-localizer", "2", "--steps-segmentation", "1", "--steps-bmd", "1", "--batch-size", "2"]
    main(arguments)
    table = capsys.readouterr().out[-2000:]
    table = table[table.index("| stage") :]
    for stage, figure in (("localizer", "recall"), ("segmentation", "dice_L1"), ("bmd", "rms_error_mg_cm3")):
        assert f"| {stage} | " in table and f"| {figure} | " in table
        training = load_card(stage, tmp_path / "models").training
        assert training["annotated_cases"] == {"dataset": "cohort", "fold": 2, "fitted": 3, "validation": 1}
        assert training["virtual_patients"] == "0" and training["public_cts"] == []
    for folder in ("samples", "readings"):
        prepared = sorted(path.stem for path in (tmp_path / "run" / folder).iterdir())
        assert prepared == ["case-0", "case-1", "case-2", "case-3"]
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("run/*/*.ckpt")}
    weights = {path: path.read_bytes() for path in tmp_path.glob("models/*/model.safetensors")}
    assert len(written) == 6 and len(weights) == 3
    main(arguments)
    assert capsys.readouterr().out.endswith(table)
    assert written == {path: path.stat().st_mtime_ns for path in written}
    assert weights == {path: path.read_bytes() for path in weights}
