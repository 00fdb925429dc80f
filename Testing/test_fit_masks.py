"""AnatomyNet's own masks in the samples, through which the DenseNet is fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("lightning", reason="fitting needs the training extra")
pytest.importorskip("monai", reason="fitting needs the training extra")

from test_fit_samples import BMD, blocks_sample

from OpportunisticBMDLib.models import load_card, model_folder
from OpportunisticBMDLib.vertebrae import LABELS
from OpportunisticBMDLib.volume import Volume
from training.fit import bmd
from training.fit.masks import draw_masks, main, usable
from training.fit.prepare import Sample, sample_of
from training.virtual.patient import virtual_patient

MODELS = model_folder()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One virtual patient, segmented by the AnatomyNet that ships."""
    folder = tmp_path_factory.mktemp("samples")
    patient = virtual_patient(5)
    sample_of("virtual-000005", patient.ct, patient.labels, patient.bmd_mg_cm3, 120.0).save(
        folder / "virtual-000005.npz"
    )
    draw_masks(folder, MODELS)
    return folder


def test_masks_lie_on_the_true_ones_and_name_their_model(folder):
    sample = Sample.load(folder / "virtual-000005.npz")
    assert sample.segmented_by == load_card("segmentation", MODELS).sha256
    assert not np.array_equal(sample.masks.array, sample.labels.array)
    for label in LABELS.values():
        found, true = sample.masks.array == label, sample.labels.array == label
        assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.9


def test_a_second_start_draws_nothing_anew(folder):
    path = folder / "virtual-000005.npz"
    before = path.stat().st_mtime_ns
    draw_masks(folder, MODELS)
    assert path.stat().st_mtime_ns == before


def test_a_folder_without_models_is_named(folder, tmp_path, capsys):
    assert main(["--samples", str(folder), "--models", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_a_vertebra_that_was_missed_keeps_its_true_mask():
    true = blocks_sample().labels
    found = true.array.copy()
    found[found == LABELS["T12"]] = 0
    found[16:36][true.array[16:36] == 0] = LABELS["T12"]  # somewhere else
    found[12:14][found[12:14] == LABELS["L1"]] = 0  # a little less
    labels = usable(Volume(found, true.grid), true)
    np.testing.assert_array_equal(labels == LABELS["T12"], true.array == LABELS["T12"])
    np.testing.assert_array_equal(labels == LABELS["L1"], found == LABELS["L1"])
    np.testing.assert_array_equal(labels == LABELS["L2"], true.array == LABELS["L2"])


def test_the_densenet_learns_what_those_masks_do_to_the_line():
    """Masks that reach into other tissue move the line; the correction that is learnt makes up for it."""
    sample = blocks_sample()
    wide = np.zeros_like(sample.labels.array)
    for label in LABELS.values():
        i, j, k = (sample.labels.array == label).nonzero()
        wide[i.min() - 4 : i.max() + 5, j.min() : j.max() + 1, k.min() : k.max() + 1] = label
    through = replace(sample, segmented=wide, segmented_by="wide")
    assert through.masks.array is wide and sample.masks is sample.labels
    _, exact = bmd.BmdTask([], [sample], [], batch_size=6).batch(np.random.default_rng(2))
    _, moved = bmd.BmdTask([], [through], [], batch_size=6).batch(np.random.default_rng(2))
    assert abs(exact).max() < 3 < abs(moved).mean()


def test_a_vertebra_without_a_mask_of_its_own_is_not_fitted():
    sample = blocks_sample()
    labels = sample.labels.array.copy()
    labels[labels == LABELS["L2"]] = 0
    assert bmd.known_vertebrae(sample) == list(BMD)
    assert bmd.known_vertebrae(replace(sample, segmented=labels)) == ["T12", "L1"]
