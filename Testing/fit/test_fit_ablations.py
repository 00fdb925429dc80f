"""Ways to get from a reading to a BMD, and how they are compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("lightning", reason="fitting needs the training extra")
pytest.importorskip("monai", reason="fitting needs the training extra")

import torch

from OpportunisticBMDTraining.fit.ablations import judging, ways
from OpportunisticBMDTraining.fit.ablations.__main__ import READING, ablate
from OpportunisticBMDTraining.fit.samples.sets import SampleSets
from OpportunisticBMDTraining.fit.tasks import bmd
from vertebra_examples import example, sample


def test_unmasked_input_shows_what_lies_beside_the_body():
    card = bmd.DESIGN.card()
    masked, whole = bmd.beside_reading(example(), card), ways.unmasked(example(), card)
    inside = masked != 0
    np.testing.assert_array_equal(whole[inside], masked[inside])
    assert (whole[~inside] != 0).mean() > 0.5


def test_where_the_density_is_shown_mineral_that_is_added_is_seen():
    card = bmd.DESIGN.card()
    low, high = (ways.dense(bmd.with_mineral(example(), change), card)[16, 16, 16] for change in (-40.0, 40.0))
    assert high - low > 0.3


def test_two_classes_give_the_density_itself():
    assert ways.TWO_CLASSES.base(example()) == 0
    share = torch.tensor([0.25, 0.5])
    logits = torch.stack((torch.log(1 - share), torch.log(share)), dim=1)
    np.testing.assert_allclose(ways.two_class_bmd(logits), [75, 150], rtol=1e-5)


def test_the_two_class_loss_is_least_near_the_truth():
    truth = torch.tensor([150.0])
    losses = [ways.two_class_focal(torch.tensor([[np.log(1 - p), np.log(p)]]), truth).item() for p in (0.2, 0.5, 0.8)]
    assert losses[1] < min(losses[0], losses[2])


def test_the_loss_over_densities_is_least_at_the_truth():
    truth, places = torch.tensor([112.0]), torch.as_tensor(ways.DENSITIES).float()
    losses = [ways.density_entropy(-((places - at) ** 2)[None] / 50, truth).item() for at in (80.0, 112.0, 140.0)]
    assert losses[1] < min(losses[0], losses[2])


def real_samples() -> list:
    """Two CTs of one patient and one of another, each as it is and once more, read 2 too high then."""
    names = {"hcc-005-native": "hcc-005", "hcc-005-contrast": "hcc-005", "hcc-009": "hcc-009"}
    return [replace(sample(name, example(), example(off=2.0)), patient=patient) for name, patient in names.items()]


@pytest.mark.parametrize(("count", "left_out"), [(2, [2, 1]), (7, [2, 1]), (1, [3])])
def test_each_patient_is_left_out_once_with_all_its_cts(count, left_out):
    folds = list(judging.folds(real_samples(), count))
    assert [len(out) for out, _ in folds] == left_out
    for out, rest in folds:
        assert len(out) + len(rest) == 3 and not {s.patient for s in out} & {s.patient for s in rest}


def test_the_reading_alone_is_judged_like_any_way():
    alone = judging.judged(None, real_samples(), [sample("virtual-9", example(off=-1.0))])
    assert alone.untouched == pytest.approx([0, 0, 0]) and alone.other_scans == pytest.approx([2, 2, 2])
    assert alone.virtual == pytest.approx([-1]) and alone.slopes == pytest.approx([1, 1, 1])


def test_the_table_has_a_row_for_each_way_that_was_judged():
    one = judging.Errors(*(np.array([1.0, 3.0]) for _ in range(4)))
    table = judging.table({READING: [one], "another": [one, one]})
    assert "| the reading, no network | +2.00 / 1.41 | +2.00 / 1.41 | 2.000 ± 1.414 | +2.00 / 1.41 |" in table
    assert table.count("\n") == 3


@pytest.mark.slow
def test_each_way_is_fitted_and_judged(tmp_path):
    sets = SampleSets(real_samples(), [sample("virtual-1")], [sample("virtual-2")])
    table = ablate(sets, tmp_path, steps=1, seed=0, jobs=1, count=1)
    assert len(table.strip().splitlines()) == 2 + len(ways.WAYS) + 1
