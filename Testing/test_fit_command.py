"""The command that the three fits share: the seed decides the whole run, and what it writes can be loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="fitting needs the training extra")

from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.models import ModelCard, load_network
from OpportunisticBMDLib.projection import Projection
from OpportunisticBMDLib.volume import Volume
from training.fit.command import run_command
from training.fit.prepare import Sample


class MeanHu:
    """Fits one weight to the samples' mean HU, and remembers which samples it was given."""

    bears_bfloat16 = False

    made: list[MeanHu] = []  # noqa: RUF012
    batch_size = 1

    def __init__(self, real, virtual, held_out) -> None:
        self.real, self.virtual, self.held_out = ([s.name for s in part] for part in (real, virtual, held_out))
        self.samples, self.network = virtual, nn.Linear(1, 1)
        self.made.append(self)

    def batch(self, rng: np.random.Generator) -> Tensor:
        return torch.tensor([[self.samples[rng.integers(len(self.samples))].ct.array.mean() / 1000]])

    def loss(self, batch: Tensor) -> Tensor:
        return ((self.network(batch.to(self.network.weight.device)) - 1) ** 2).mean()

    def validate(self) -> dict[str, float]:
        return {"weight": self.network.weight.item()}

    def card(self, training, figures) -> ModelCard:
        return ModelCard(
            stage="bmd",
            name="mean-hu",
            version="1",
            architecture={"name": "DenseNet121", "parameters": {"in_features": 1, "out_features": 1}},
            grid={"spacing_mm": [1.0] * 3, "size": [2, 2, 2]},
            window={"low_hu": 0.0, "high_hu": 1.0},
            outputs={},
            training=training,
            figures=figures,
            licence="Apache-2.0",
            intended_use="Tests.",
        )


@pytest.fixture
def samples(tmp_path) -> Path:
    folder = tmp_path / "samples"
    folder.mkdir()
    grid = Grid.axis_aligned((2, 2, 2), (1.0, 1.0, 1.0))
    for n, name in enumerate(("virtual-1", "virtual-2", "virtual-3", "abdomen")):
        ct, shares = Volume(np.full(grid.size, 100.0 * n), grid), np.zeros((3, *grid.size), np.uint8)
        view = Projection(np.zeros((2, 2)), (0.0, 0.0), 1.0)
        bmd = {"T12": 1.0, "L1": 2.0, "L2": 3.0}
        Sample(name, ct, shares, bmd, None, (view,), (np.zeros((2, 2)),)).save(folder / f"{name}.npz")
    return folder


def command(monkeypatch, samples: Path, run: str, *more: str) -> MeanHu:
    folder = samples.parent / run
    arguments = ["--samples", samples, "--run", folder / "run", "-o", folder / "models", "--held-out", 1, *more]
    monkeypatch.setattr("sys.argv", ["fit", *map(str, arguments)])
    run_command("A fit.", MeanHu, steps=4, learning_rate=0.01)
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
    assert (task.real, task.virtual, task.held_out) == (["abdomen"], ["virtual-1", "virtual-2"], ["virtual-3"])


def test_model_and_card_are_written(monkeypatch, samples):
    task = command(monkeypatch, samples, "run")
    network, card = load_network("bmd", nn.Linear, samples.parent / "run" / "models")
    # Stored as float16.
    assert network.weight.item() == pytest.approx(task.network.weight.item(), rel=1e-3)
    assert card.training["virtual_patients"] == "2, virtual-1 to virtual-2"
    assert card.training["public_cts"] == ["abdomen"]
    assert (card.training["steps"], card.training["seed"]) == (4, 0)
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
