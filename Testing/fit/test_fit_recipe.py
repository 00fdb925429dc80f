"""Recipes: lengths, schedules, and the paper's recipe for the BMD network."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("lightning", reason="fitting needs the training extra")
pytest.importorskip("monai", reason="fitting needs the training extra")

import torch
from torch import nn

from OpportunisticBMDTraining.fit.recipe import Epochs, Recipe, Steps, adamw, epoch_of, multi_step
from OpportunisticBMDTraining.fit.tasks import bmd

PAPER = bmd.STAGE.recipes["paper"]


def rates(recipe: Recipe, steps: int, epoch: int) -> np.ndarray:
    """The learning rate of each step."""
    optimizer = recipe.optimizer_of(nn.Linear(1, 1).parameters())
    schedule, found = recipe.schedule(optimizer, steps, epoch), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return np.array(found)


def test_an_epoch_draws_as_many_cases_as_there_are():
    assert [epoch_of(cases, 8) for cases in (1, 8, 9, 300)] == [1, 1, 2, 38]
    assert Epochs(50).in_steps(38) == 1900 and Steps(700).in_steps(38) == 700


def test_paper_recipe_is_the_papers():
    assert (PAPER.learning_rate, PAPER.length, PAPER.every) == (3e-5, Epochs(50), Epochs(1))
    assert type(PAPER.optimizer_of(nn.Linear(1, 1).parameters())) is torch.optim.Adam
    expected = np.repeat([3e-5, 3e-6, 3e-7], [16 * 4, 17 * 4, 17 * 4])
    np.testing.assert_allclose(rates(PAPER, 200, epoch=4), expected, rtol=1e-6)


def test_default_recipe_rises_to_its_rate_and_falls():
    found = rates(bmd.STAGE.recipes["default"], 100, epoch=4)
    assert found.max() == pytest.approx(5e-4, rel=1e-3)
    assert found[0] < 5e-5 and found[-1] < 1e-6 and 10 <= found.argmax() <= 20


def test_milestones_are_epochs():
    recipe = Recipe(
        1.0, Epochs(3), bmd.focal, optimizer=adamw, schedule=lambda *a: multi_step(*a, milestones=(2,), gamma=0.5)
    )
    np.testing.assert_allclose(rates(recipe, 6, epoch=2), [1, 1, 1, 1, 0.5, 0.5])


def test_focal_loss_is_that_of_the_papers_equation_with_soft_targets():
    """FL = -alpha (1 - p)^gamma log p, weighted by the target's share of each bin."""
    logits = torch.randn(3, len(bmd.CORRECTIONS), generator=torch.manual_seed(2))
    correction = torch.tensor([-30.0, 0.5, 12.0])
    p = logits.softmax(dim=1)
    expected = (-0.6 * (1 - p) ** 2 * p.log() * bmd.target_of(correction)).sum(dim=1).mean()
    assert bmd.focal(logits, correction).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("loss", [bmd.focal, bmd.entropy_and_mean])
def test_loss_is_least_where_the_correction_is_found(loss):
    correction = torch.tensor([10.0])
    losses = [
        loss(bmd.target_of(torch.tensor([guess])).clamp(min=1e-6).log(), correction).item()
        for guess in (10.0, 14.0, 30.0)
    ]
    assert losses == sorted(losses) and losses[0] < losses[1]
