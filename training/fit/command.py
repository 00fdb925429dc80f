"""The command line that the three fits share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from OpportunisticBMDLib.models import ModelCard, fill, halved, load_weights, save_model
from training.fit.loop import Task, fit
from training.fit.prepare import Sample, load_samples


class CardedTask(Task, Protocol):
    """A task that can describe the model it ends with."""

    def card(self, training: Mapping[str, Any], figures: Mapping[str, float]) -> ModelCard:
        """The model's card, without its SHA-256."""


TaskMaker = Callable[[Sequence[Sample], Sequence[Sample], Sequence[Sample]], CardedTask]


def run_command(description: str, task_of: TaskMaker, *, steps: int, learning_rate: float) -> None:
    """Parses the arguments, fits, and saves model and card."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--samples", type=Path, required=True, help="folder that training.fit.prepare wrote")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and logs; resumed if it exists")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder, e.g. Resources/Models")
    parser.add_argument("--start", type=Path, metavar="MODELS", help="begin with the weights of this model folder")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--learning-rate", type=float, default=learning_rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", type=int, default=8, metavar="N", help="virtual patients kept for validation")
    parser.add_argument("--every", type=int, default=100, help="steps between validations and checkpoints")
    options = parser.parse_args()
    samples = load_samples(options.samples)
    virtual = [sample for sample in samples if sample.name.startswith("virtual-")]
    real = [sample for sample in samples if not sample.name.startswith("virtual-")]
    if not 0 < options.held_out < len(virtual):
        parser.error(
            f"{options.samples} holds {len(virtual)} virtual patients: prepare more than the {options.held_out} of "
            "--held-out, which has to be at least 1"
        )
    fitted, held_out = virtual[: -options.held_out], virtual[-options.held_out :]
    torch.manual_seed(options.seed)  # the network's first weights
    task = task_of(real, fitted, held_out)
    training: dict[str, Any] = {}
    if options.start:
        stage = task.card({}, {}).stage
        card, weights = load_weights(stage, options.start)
        fill(task.network, card, weights)
        training["started_from"] = dict(card.training)
    options.run.mkdir(parents=True, exist_ok=True)
    figures = fit(
        task,
        options.run,
        steps=options.steps,
        seed=options.seed,
        learning_rate=options.learning_rate,
        every=options.every,
    )
    training |= {
        "virtual_patients": f"{len(fitted)}, {fitted[0].name} to {fitted[-1].name}",
        "public_cts": [sample.name for sample in real],
        "steps": options.steps,
        "batch_size": task.batch_size,
        "learning_rate": options.learning_rate,
        "seed": options.seed,
    }
    figures = {f"validation_{name}": round(value, 4) for name, value in figures.items()}
    save_model(options.output, task.card(training, figures), halved(task.network.state_dict()))
