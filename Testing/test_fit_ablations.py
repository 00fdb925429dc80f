"""The DenseNet in other ways than it ships."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("lightning", reason="fitting needs the training extra")
pytest.importorskip("monai", reason="fitting needs the training extra")

import torch
from scipy import ndimage
from test_fit_samples import blocks_sample

from OpportunisticBMDLib.volume import Volume
from training.fit import ablations, bmd
from training.fit.cases import Cases


def reading(make, vertebra: str = "L2"):
    sample = blocks_sample(kvp=120.0)
    return make([], [sample], [sample])._reading(sample.ct, sample.labels, vertebra, sample.line)


def test_the_papers_window_cuts_dense_bone_off():
    wide, _ = reading(bmd.BmdTask, "T12")
    narrow, _ = reading(ablations.PaperWindow, "T12")
    assert 0 < wide.max() < narrow.max()


def test_unmasked_input_shows_what_lies_around():
    masked, line = reading(bmd.BmdTask)
    whole, same_line = reading(ablations.Unmasked)
    inside = masked != 0
    assert line == same_line
    torch.testing.assert_close(whole[inside], masked[inside])
    assert (masked[~inside] == 0).all() and (whole[~inside] != 0).float().mean() > 0.5


def test_two_classes_give_the_density_itself():
    _, line = reading(ablations.TwoClasses)
    assert line == 0
    share = torch.tensor([0.25, 0.5])
    logits = torch.stack((torch.log(1 - share), torch.log(share)), dim=1)
    np.testing.assert_allclose(ablations.two_class_bmd(logits), [75, 150], rtol=1e-5)


def test_the_two_class_loss_is_least_near_the_truth():
    truth = torch.tensor([150.0])
    losses = [
        ablations.two_class_focal(torch.tensor([[np.log(1 - p), np.log(p)]]), truth).item() for p in (0.2, 0.5, 0.8)
    ]
    assert losses[1] < min(losses[0], losses[2])


def test_the_bins_lie_around_the_core_or_the_whole_mask():
    sample = blocks_sample(kvp=120.0)
    bright = sample.ct.array + 500 * (sample.labels.array > 0) * (ndimage.minimum_filter(sample.labels.array, 3) == 0)
    sample = replace(sample, ct=Volume(bright.astype(np.float32), sample.ct.grid))
    core, whole = (
        make([], [sample], [])._reading(sample.ct, sample.labels, "L1", sample.line)[1]
        for make in (bmd.BmdTask, ablations.WholeMask)
    )
    assert whole > core + 20


def test_the_table_has_a_row_for_each_way_and_the_lines():
    line = {"line_bias_mg_cm3": 3.0, "line_error_sd_mg_cm3": 4.0}
    found = {make: {**dict.fromkeys(ablations.FIGURES, 1.234), **line} for make, _ in ablations.WAYS.values()}
    table = ablations.table(found)
    assert "| unmasked input | 1.23 | 1.23 | 1.23 |" in table
    assert "| line of the core, no network | 3.00 | 4.00 | 5.00 |" in table


@pytest.mark.slow
def test_each_way_is_fitted_and_judged(tmp_path):
    sample = blocks_sample(kvp=120.0)
    table = ablations.ablate(Cases([], [sample], [sample]), tmp_path, steps=1, seed=0)
    assert len(table.strip().splitlines()) == 2 + len(ablations.WAYS) + len(ablations.LINES)
    assert {path.name[2:] for path in tmp_path.iterdir()} == {make.__name__ for make, _ in ablations.WAYS.values()}
