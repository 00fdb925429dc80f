"""A fit that was interrupted goes on as if it had not been; the small task is a line through noisy points."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="fitting needs the training extra")

from line_task import Interrupted, LineTask
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.files import PART_PREFIX
from OpportunisticBMDTraining.fit.curves import load_curves
from OpportunisticBMDTraining.fit.loop import BEST, CHECKPOINT, fit
from OpportunisticBMDTraining.fit.recipe import Recipe, Steps

STEPS = 11
EVERY = 3


class SpoiltTask(LineTask):
    """Validates worse and worse after the second time, and cannot tell how well the first time."""

    def validate(self) -> dict[str, float]:
        super().validate()
        # By the weights, so that a run that goes on counts as an unbroken one does.
        return {"error": {3: float("nan"), 6: 1.0}.get(self.steps_seen, 2.0 + self.steps_seen)}

    @property
    def steps_seen(self) -> int:
        return int(self.network[1].num_batches_tracked)


def run(task: LineTask, folder: Path, *, steps: int = STEPS, seed: int = 3) -> dict[str, float]:
    folder.mkdir(exist_ok=True)
    recipe = Recipe(0.05, Steps(steps), loss=nn.functional.mse_loss, every=Steps(EVERY))
    return dict(fit(task, folder, recipe, seed=seed).figures)


def weights(task: LineTask) -> dict[str, Tensor]:
    return {name: tensor.cpu().clone() for name, tensor in task.network.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> tuple[LineTask, dict[str, float]]:
    task = LineTask()
    return task, run(task, tmp_path_factory.mktemp("unbroken"))


@pytest.mark.parametrize("step", [1, 3, 4, 8, 10])
def test_interrupted_run_ends_with_the_same_weights(unbroken, tmp_path, step):
    expected, figures = unbroken
    with pytest.raises(Interrupted):
        run(LineTask(interrupt_at=step), tmp_path / "run")
    again = LineTask()
    assert run(again, tmp_path / "run") == figures
    assert again.drawn == STEPS - EVERY * (step // EVERY)
    assert same(weights(again), weights(expected))


def test_run_may_be_interrupted_more_than_once(unbroken, tmp_path):
    # Counted from each start: the second run goes on at step 3, the third at step 6.
    for interrupt_at in (5, 4):
        with pytest.raises(Interrupted):
            run(LineTask(interrupt_at=interrupt_at), tmp_path / "run")
    again = LineTask()
    run(again, tmp_path / "run")
    assert again.drawn == STEPS - 6
    assert same(weights(again), weights(unbroken[0]))


def test_finished_run_is_not_fitted_again(unbroken, tmp_path):
    run(LineTask(), tmp_path / "run")
    again = LineTask()
    figures = run(again, tmp_path / "run")
    assert again.drawn == 0
    assert figures == unbroken[1]
    assert same(weights(again), weights(unbroken[0]))


def test_seed_decides_the_run(unbroken, tmp_path):
    other = LineTask()
    run(other, tmp_path / "run", seed=8)
    assert not same(weights(other), weights(unbroken[0]))


def test_fit_learns(tmp_path):
    task = LineTask()
    before = task.validate()["error"]
    after = run(task, tmp_path / "run", steps=200)["error"]
    assert before > 0.8
    assert after < 0.35


def test_validates_between_and_at_the_end(unbroken):
    assert unbroken[0].validated == 1 + (STEPS - 1) // EVERY


def test_broken_off_checkpoint_does_not_harm_the_last_one(unbroken, tmp_path, monkeypatch):
    """Killed between writing the new checkpoint and putting it in the old one's place."""
    replace, calls = os.replace, []

    def killed_at_the_second(source, target):
        calls.extend([target] if target.name == CHECKPOINT else [])
        if len(calls) == 2:
            raise Interrupted
        replace(source, target)

    monkeypatch.setattr("OpportunisticBMDLib.system.files.os.replace", killed_at_the_second)
    with pytest.raises(Interrupted):
        run(LineTask(), tmp_path / "run")
    monkeypatch.undo()
    again = LineTask()
    run(again, tmp_path / "run")
    assert again.drawn == STEPS - EVERY
    assert same(weights(again), weights(unbroken[0]))


def test_what_a_killed_start_was_writing_is_cleared_away(tmp_path):
    part = tmp_path / "run" / f"{PART_PREFIX}killed"
    part.mkdir(parents=True)
    (part / CHECKPOINT).write_bytes(b"half a file")
    run(LineTask(), tmp_path / "run")
    assert not list((tmp_path / "run").glob(f"{PART_PREFIX}*"))


def test_loss_that_is_no_number_ends_the_run(tmp_path):
    with pytest.raises(RuntimeError, match="non-finite"):
        run(LineTask(poison_at=4), tmp_path / "run")
    good = LineTask()
    run(good, tmp_path / "run")
    assert good.drawn == STEPS - EVERY, "the checkpoint before the bad step is still there"
    assert (tmp_path / "run" / CHECKPOINT).is_file()


def test_best_model_is_kept_and_given_back(tmp_path):
    """By the task's merit, not by the last validation; a figure that is no number is worse than any other."""
    task = SpoiltTask()
    best = fit(task, tmp_path, Recipe(0.05, Steps(STEPS), nn.functional.mse_loss, every=Steps(EVERY)), seed=3)
    assert (best.step, best.figures) == (6, {"error": 1.0})
    assert task.steps_seen == 6
    assert torch.load(tmp_path / BEST, weights_only=True)["step"] == 6


@pytest.mark.parametrize("step", [2, 5, 7, 10])
def test_interrupted_run_ends_with_the_same_best_model(tmp_path, step):
    whole = SpoiltTask()
    figures = run(whole, tmp_path / "whole")
    with pytest.raises(Interrupted):
        run(SpoiltTask(interrupt_at=step), tmp_path / "run")
    again = SpoiltTask()
    assert run(again, tmp_path / "run") == figures
    assert same(weights(again), weights(whole))
    for name in (BEST, CHECKPOINT):
        stored = [torch.load(tmp_path / run_name / name, weights_only=True) for run_name in ("whole", "run")]
        assert stored[0]["step"] == stored[1]["step"] and same(*(state["network"] for state in stored))


def test_best_model_written_before_its_checkpoint_is_found_again(tmp_path, monkeypatch):
    """Killed between the two: the fit goes on from the checkpoint before, and the best model stays what it is."""
    whole, replace = SpoiltTask(), os.replace
    run(whole, tmp_path / "whole")

    def killed(source, target):
        replace(source, target)
        if target.name == BEST and torch.load(target, weights_only=True)["step"] == 6:
            raise Interrupted

    monkeypatch.setattr("OpportunisticBMDLib.system.files.os.replace", killed)
    with pytest.raises(Interrupted):
        run(SpoiltTask(), tmp_path / "run")
    monkeypatch.undo()
    again = SpoiltTask()
    run(again, tmp_path / "run")
    assert again.drawn == STEPS - 3
    assert same(weights(again), weights(whole))


def test_of_models_that_are_as_good_the_last_one_is_kept(tmp_path):
    task = LineTask()
    task.merit = lambda figures: (0.0,)
    assert fit(task, tmp_path, Recipe(0.05, Steps(4), nn.functional.mse_loss, every=Steps(1)), seed=3).step == 4


def test_finished_run_without_its_best_model_is_refused(tmp_path):
    run(LineTask(), tmp_path / "run")
    (tmp_path / "run" / BEST).unlink()
    with pytest.raises(BadInput, match="another folder"):
        run(LineTask(), tmp_path / "run")


def test_curves_hold_every_step_once_over_interruptions(tmp_path, capsys):
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    run(LineTask(), tmp_path / "whole/run")
    with pytest.raises(Interrupted):
        run(LineTask(interrupt_at=8), tmp_path / "broken/run")
    run(LineTask(), tmp_path / "broken/run")
    curves = load_curves(tmp_path / "broken/run")
    assert len(list((tmp_path / "broken/run").glob("log/*/metrics.csv"))) == 2
    assert list(curves["loss"]) == list(range(1, STEPS + 1))
    assert list(curves["error"]) == [3, 6, 9, STEPS]
    assert curves == load_curves(tmp_path / "whole/run")
    pictures = [(tmp_path / name / "run/curves.png").read_bytes() for name in ("whole", "broken")]
    assert pictures[0] == pictures[1]
    assert f"step {STEPS}: error" in capsys.readouterr().out


def test_tensorboard_shows_one_curve_over_interruptions(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(Interrupted):
        run(LineTask(interrupt_at=8), tmp_path / "run")
    run(LineTask(), tmp_path / "run")
    events = EventAccumulator(str(tmp_path / "run/tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == list(range(STEPS))
    assert [event.step for event in events.Scalars("error")] == [2, 5, 8, STEPS - 1]
