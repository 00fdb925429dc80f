"""A fit that was interrupted goes on as if it had not been; the small task is a line through noisy points."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="fitting needs the training extra")

from training.fit.loop import CHECKPOINT, fit

STEPS = 11
EVERY = 3
# Twice as many weights as the line needs, and dropout: the global generator of torch takes part in every step.
WEIGHT, BIAS = 2.5, -1.0


class Interrupted(Exception):
    """As a kill in the middle of a step."""


class LineTask:
    """Fits y = 2.5 x - 1 and counts the batches drawn; may be interrupted at a step."""

    bears_bfloat16 = False

    def __init__(self, interrupt_at: int | None = None, poison_at: int | None = None) -> None:
        torch.manual_seed(4)
        self.network = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))
        self.drawn, self.validated = 0, 0
        self._interrupt_at, self._poison_at = interrupt_at, poison_at

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        if self.drawn == self._interrupt_at:
            raise Interrupted
        x = rng.uniform(-1, 1, (16, 1))
        y = WEIGHT * x + BIAS + rng.normal(0, 0.05, x.shape)
        if self.drawn == self._poison_at:
            y[0] = np.nan
        self.drawn += 1
        return torch.from_numpy(x).float(), torch.from_numpy(y).float()

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        device = next(self.network.parameters()).device
        x, y = (part.to(device) for part in batch)
        return nn.functional.mse_loss(self.network(x), y)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        self.validated += 1
        self.network.eval()
        x = torch.linspace(-1, 1, 41)[:, None].to(next(self.network.parameters()).device)
        error = (self.network(x) - (WEIGHT * x + BIAS)).abs().mean().item()
        self.network.train()
        torch.rand(7)  # validation may draw, too
        return {"error": error}


def run(task: LineTask, folder: Path, *, steps: int = STEPS, seed: int = 3) -> dict[str, float]:
    folder.mkdir(exist_ok=True)
    return dict(fit(task, folder, steps=steps, seed=seed, learning_rate=0.05, every=EVERY))


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
        calls.append(target)
        if len(calls) == 2:
            raise Interrupted
        replace(source, target)

    monkeypatch.setattr("training.fit.loop.os.replace", killed_at_the_second)
    with pytest.raises(Interrupted):
        run(LineTask(), tmp_path / "run")
    monkeypatch.undo()
    again = LineTask()
    run(again, tmp_path / "run")
    assert again.drawn == STEPS - EVERY
    assert same(weights(again), weights(unbroken[0]))


def test_loss_that_is_no_number_ends_the_run(tmp_path):
    with pytest.raises(RuntimeError, match="non-finite"):
        run(LineTask(poison_at=4), tmp_path / "run")
    good = LineTask()
    run(good, tmp_path / "run")
    assert good.drawn == STEPS - EVERY, "the checkpoint before the bad step is still there"
    assert (tmp_path / "run" / CHECKPOINT).is_file()


def test_log_holds_every_step_once_over_an_interruption(tmp_path, capsys):
    with pytest.raises(Interrupted):
        run(LineTask(interrupt_at=8), tmp_path / "run")
    run(LineTask(), tmp_path / "run")
    files = sorted((tmp_path / "run").glob("log/*/metrics.csv"))
    rows = [row for path in files for row in csv.DictReader(path.open())]
    assert len(files) == 2
    assert [int(row["step"]) for row in rows if row["loss"]] == list(range(STEPS))
    assert [int(row["step"]) for row in rows if row["error"]] == [2, 5, 8, STEPS - 1]
    assert f"step {STEPS}: error" in capsys.readouterr().out
