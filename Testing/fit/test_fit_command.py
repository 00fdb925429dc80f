"""The command that the three fits share: the seed decides the whole run, and what it writes can be loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="fitting needs the training extra")

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.models.modules import load_network
from OpportunisticBMDLib.stages.projection import Projection
from OpportunisticBMDTraining.fit.command import Stage, run_command
from OpportunisticBMDTraining.fit.design import Design
from OpportunisticBMDTraining.fit.recipe import Epochs, Recipe, Steps
from OpportunisticBMDTraining.fit.samples.prepare import Sample


class MeanHu:
    """Fits one weight to the samples' mean HU, and remembers which samples it was given."""

    bears_bfloat16 = False
    criterion, needs, least_batch_size = "greatest weight", "a mean", 1
    design = Design(
        stage="bmd",
        name="mean-hu",
        parameters={"in_features": 1, "out_features": 1},
        spacing_mm=1.0,
        size=(2, 2, 2),
        window={"low_hu": 0.0, "high_hu": 1.0},
        outputs={},
        purpose="tests",
    )

    made: list[MeanHu] = []  # noqa: RUF012
    batch_size = 1

    def __init__(self, real, virtual, held_out, objective) -> None:
        self.real, self.virtual, self.held_out = real, virtual, held_out
        self.network, self._objective = nn.Linear(1, 1), objective
        self.made.append(self)

    @property
    def cases(self) -> int:
        return len(self.real) + len(self.virtual)

    @property
    def names(self) -> tuple[list[str], ...]:
        return tuple([s.name for s in part] for part in (self.real, self.virtual, self.held_out))

    def batch(self, rng: np.random.Generator) -> Tensor:
        samples = [*self.virtual, *self.real]
        return torch.tensor([[samples[rng.integers(len(samples))].ct.array.mean() / 1000]]).float()

    def loss(self, batch: Tensor) -> Tensor:
        return self._objective(self.network(batch.to(self.network.weight.device)))

    def validate(self) -> dict[str, float]:
        return {"weight": self.network.weight.item()}

    def merit(self, figures) -> tuple[float, ...]:
        return (figures["weight"],)


def to_one(found: Tensor) -> Tensor:
    return ((found - 1) ** 2).mean()


STAGE = Stage(MeanHu, {"default": Recipe(0.01, Steps(4), to_one), "epochs": Recipe(0.02, Epochs(3), to_one, Epochs(1))})


@pytest.fixture
def samples(tmp_path) -> Path:
    folder = tmp_path / "samples"
    folder.mkdir()
    grid = Grid.axis_aligned((2, 2, 2), (1.0, 1.0, 1.0))
    for n, name in enumerate(("virtual-1", "virtual-2", "virtual-3", "abdomen")):
        ct, shares = Volume(np.full(grid.size, 100.0 * n), grid), np.zeros((3, *grid.size), np.uint8)
        view = Projection(np.zeros((2, 2)), (0.0, 0.0), 1.0)
        Sample(name, ct, shares, (view,), (np.zeros((2, 2)),)).save(folder / f"{name}.npz")
    return folder


def command(monkeypatch, samples: Path, run: str, *more: str) -> MeanHu:
    folder = samples.parent / run
    arguments = ["--samples", samples, "--run", folder / "run", "-o", folder / "models", "--held-out", 1, *more]
    monkeypatch.setattr("sys.argv", ["fit", *map(str, arguments)])
    run_command("A fit.", STAGE)
    return MeanHu.made[-1]


def test_seed_decides_the_first_weights_and_the_whole_run(monkeypatch, samples):
    torch.manual_seed(1)
    first = command(monkeypatch, samples, "first", "--seed", "5")
    torch.manual_seed(2)
    second = command(monkeypatch, samples, "second", "--seed", "5")
    other = command(monkeypatch, samples, "other", "--seed", "6")
    assert torch.equal(first.network.weight, second.network.weight)
    assert not torch.equal(first.network.weight, other.network.weight)


def test_real_and_virtual_samples_are_told_apart_and_the_last_are_held_out(monkeypatch, samples):
    task = command(monkeypatch, samples, "run")
    assert task.names == (["abdomen"], ["virtual-1", "virtual-2"], ["virtual-3"])


def test_cases_that_are_named_are_left_out(monkeypatch, samples):
    task = command(monkeypatch, samples, "run", "--without", "abdo", "virtual-2")
    assert task.names == ([], ["virtual-1"], ["virtual-3"])


def test_model_and_card_are_written(monkeypatch, samples):
    task = command(monkeypatch, samples, "run")
    network, card = load_network("bmd", nn.Linear, samples.parent / "run" / "models")
    # Stored as float16.
    assert network.weight.item() == pytest.approx(task.network.weight.item(), rel=1e-3)
    assert card.training["virtual_patients"] == "2, virtual-1 to virtual-2"
    assert card.training["public_cts"] == ["abdomen"]
    assert (card.training["steps"], card.training["loss"], card.training["seed"]) == (4, "to_one", 0)
    assert (card.training["best_step"], card.training["criterion"]) == (4, "greatest weight")
    assert (card.licence, card.intended_use) == ("Apache-2.0", "Research, not diagnosis: tests.")
    assert card.figures == {"validation_weight": round(task.network.weight.item(), 4)}


@pytest.mark.parametrize("held_out", ["0", "3", "-1"])
def test_held_out_patients_have_to_leave_some_to_fit(monkeypatch, samples, capsys, held_out):
    with pytest.raises(SystemExit) as stop:
        command(monkeypatch, samples, "run", "--held-out", held_out)
    assert stop.value.code == 2
    assert "holds 3 virtual patients" in capsys.readouterr().err


def test_a_fit_can_start_from_a_model(monkeypatch, samples):
    first = command(monkeypatch, samples, "first", "--seed", "5")
    again = ("--start", str(samples.parent / "first" / "models"), "--steps", "1", "--learning-rate", "1e-9")
    second = command(monkeypatch, samples, "second", "--seed", "6", *again)
    assert second.network.weight.item() == pytest.approx(first.network.weight.item(), rel=1e-3)
    _, card = load_network("bmd", nn.Linear, samples.parent / "second" / "models")
    assert card.training["started_from"]["seed"] == 5


def test_another_recipe_is_followed_by_its_name(monkeypatch, samples):
    """Two virtual patients and a real CT are fitted, one a step: three epochs are nine steps."""
    command(monkeypatch, samples, "run", "--recipe", "epochs")
    _, card = load_network("bmd", nn.Linear, samples.parent / "run" / "models")
    assert (card.training["steps"], card.training["learning_rate"]) == (9, 0.02)
    command(monkeypatch, samples, "twos", "--recipe", "epochs", "--batch-size", "2", "--learning-rate", "0.5")
    _, card = load_network("bmd", nn.Linear, samples.parent / "twos" / "models")
    assert (card.training["steps"], card.training["learning_rate"], card.training["batch_size"]) == (6, 0.5, 2)


def test_saved_model_is_the_best_one(monkeypatch, samples):
    """By a merit that the fit makes worse: the first validation is the best."""
    monkeypatch.setattr(MeanHu, "merit", lambda task, figures: (-figures["weight"],))
    task = command(monkeypatch, samples, "run", "--every", "1", "--learning-rate", "0.1")
    network, card = load_network("bmd", nn.Linear, samples.parent / "run" / "models")
    assert card.training["best_step"] == 1
    assert network.weight.item() == pytest.approx(task.network.weight.item(), rel=1e-3)
    assert card.figures["validation_weight"] == pytest.approx(task.network.weight.item(), abs=1e-4)


@pytest.mark.parametrize("more", [("--steps", "0"), ("--every", "-1"), ("--fold", "1"), ("--recipe", "unheard")])
def test_options_that_cannot_be_end_with_status_2(monkeypatch, samples, capsys, more):
    with pytest.raises(SystemExit) as stop:
        command(monkeypatch, samples, "run", *more)
    assert stop.value.code == 2
    assert more[0].strip("-") in capsys.readouterr().err
