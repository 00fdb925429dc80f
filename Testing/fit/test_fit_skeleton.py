"""The skeleton's network is fitted on patches of virtual patients and of label maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.models import load_card
from OpportunisticBMDLib.models.modules import halved, load_network, save_model
from OpportunisticBMDLib.networks.skeleton_net import SkeletonNet
from OpportunisticBMDTraining.fit.ribs import Example, measured
from OpportunisticBMDTraining.fit.ribs import main as fit_ribs
from OpportunisticBMDTraining.fit.samples import skeletons
from OpportunisticBMDTraining.fit.samples.skeletons import SkeletonSample, load_skeletons, virtual_sample
from OpportunisticBMDTraining.fit.tasks.skeleton import (
    PATCH,
    SkeletonTask,
    augmented,
    dice_and_entropy,
    in_thick_slices,
)
from OpportunisticBMDTraining.fit.tasks.skeleton import main as fit_skeleton
from OpportunisticBMDTraining.skeleton_labels import skeleton_of


@pytest.fixture(scope="module")
def sample() -> SkeletonSample:
    return virtual_sample(1003, "many-scanners")


def test_a_sample_shows_the_bones_where_the_ct_is_bright(sample: SkeletonSample) -> None:
    hu, bones = sample.ct.array, sample.bones.array
    assert hu[bones == Bone.RIB].mean() > 150 > hu[bones == Bone.NONE].mean()
    assert {Bone.BODY, Bone.DISC, Bone.RIB, Bone.ARCH} <= set(np.unique(bones).tolist())


def test_a_sample_comes_back_from_its_file(sample: SkeletonSample, tmp_path: Path) -> None:
    sample.save(tmp_path / f"{sample.name}.npz")
    (again,) = load_skeletons(tmp_path)
    assert again.name == sample.name
    assert np.array_equal(again.bones.array, sample.bones.array)
    assert np.abs(again.ct.array - sample.ct.array).max() <= 0.5
    assert again.ct.grid.is_close(sample.ct.grid)


def test_patches_keep_bones_on_bright_voxels(sample: SkeletonSample) -> None:
    for seed in range(4):
        ct, bones = augmented(sample, np.random.default_rng(seed))
        assert ct.shape == bones.shape == PATCH
        assert set(np.unique(bones).tolist()) <= set(Bone)
        if (bones == Bone.BODY).any():
            assert np.median(ct[bones == Bone.BODY]) > np.median(ct[bones == Bone.NONE])


def test_a_sample_smaller_than_a_patch_lies_in_air() -> None:
    small = Grid.axis_aligned((40, 40, 30), (2.0,) * 3)
    sample = SkeletonSample(
        "small", Volume(np.full(small.size, 60.0), small), Volume(np.ones(small.size, np.uint8), small)
    )
    ct, bones = augmented(sample, np.random.default_rng(1))
    assert bones.any()
    assert not bones.all()
    assert ct.min() < AIR_HU / 2


def test_thick_slices_blur_along_the_spine_alone() -> None:
    ct = np.zeros((4, 4, 40), np.float32)
    ct[:, :, 22] = 100.0
    thick = in_thick_slices(ct, 5.0, 0.5)
    assert thick.max() == pytest.approx(20, abs=4)
    assert np.allclose(thick, thick[:1, :1])
    assert thick[0, 0].sum() == pytest.approx(100, rel=0.15)


def test_what_a_patch_lacks_counts_for_little() -> None:
    target = torch.zeros((1, 1, 8, 8, 8), dtype=torch.long)
    target[..., :4] = int(Bone.BODY)
    good = torch.full((1, len(Bone), 8, 8, 8), -8.0)
    good.scatter_(1, target, 8.0)
    assert float(dice_and_entropy(good, target)) < 0.05
    assert float(dice_and_entropy(-good, target)) > 2


def test_a_fit_ends_with_a_model_that_tells_bodies_and_ribs(sample: SkeletonSample, tmp_path: Path) -> None:
    for name in ("virtual-many-001003", "virtual-many-001004"):
        sample.save(tmp_path / "samples" / f"{name}.npz")
    folders = ["--samples", str(tmp_path / "samples"), "--run", str(tmp_path / "run"), "-o", str(tmp_path / "models")]
    fit_skeleton([*folders, "--steps", "1", "--every", "1", "--held-out", "1", "--batch-size", "1"])
    network, card = load_network("skeleton", SkeletonNet, tmp_path / "models")
    assert card.outputs["classes"] == [bone.name.lower() for bone in Bone]
    assert network(torch.zeros((1, 1, 16, 32, 16))).shape == (1, len(Bone), 16, 32, 16)
    assert card.training["steps"] == 1


EXAMPLES = [
    *(Example(seen, False, true) for seen, true in ((28, 30), (38, 40), (47, 50), (59, 60), (18, 20))),
    Example(80.0, True, 200.0),
    *(Example(0.0, False, 0.0) for _ in range(96)),
    *(Example(0.0, False, 55.0) for _ in range(4)),
]


def test_how_exactly_ribs_are_seen_is_measured_where_they_are_seen_whole() -> None:
    model = measured(EXAMPLES)
    assert model.length_bias_mm == -2.0
    assert model.length_sd_mm == 4.0  # never less
    assert model.missed == pytest.approx(0.04)


def test_samples_without_short_ribs_are_refused() -> None:
    with pytest.raises(BadInput, match="no short ribs"):
        measured([Example(80.0, True, 200.0)])


def test_what_was_measured_goes_into_the_models_card(
    sample: SkeletonSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.save(tmp_path / "samples" / "virtual-many-001003.npz")
    task = SkeletonTask([], [sample], [sample])
    save_model(tmp_path / "models", task.design.card(), halved(task.network.state_dict()))
    monkeypatch.setattr("OpportunisticBMDTraining.fit.ribs.examples_of", lambda path, models: EXAMPLES)
    assert fit_ribs(["--samples", str(tmp_path / "samples"), "-o", str(tmp_path / "models"), "--jobs", "1"]) == 0
    assert load_card("skeleton", tmp_path / "models").outputs["ribs"]["missed"] == pytest.approx(0.04)


def test_nothing_asked_for_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert skeletons.main(["-o", str(tmp_path / "none")]) == 2
    assert "--virtual N" in capsys.readouterr().err


def test_label_maps_of_whole_vertebrae_tell_bodies_from_arches() -> None:
    grid = Grid.axis_aligned((48, 60, 60), (1.5,) * 3)
    i, j, k = np.ogrid[:48, :60, :60]
    labels = np.zeros(grid.size, np.int16)
    canal = (i - 24) ** 2 + (j - 24) ** 2 < 36
    for number, middle in ((32, 45), (31, 22)):  # T12 above L1
        tall = abs(k - middle) < 8
        labels[((i - 24) ** 2 + (j - 40) ** 2 < 144) & tall] = number
        labels[(abs(i - 24) < 9) & (j > 8) & (j < 32) & tall & ~canal] = number
    labels[canal & (labels == 0) & (k >= 0)] = 79
    labels[:10, 20:24, 50:54] = 103
    bones = skeleton_of(Volume(labels, grid)).array
    assert bones[24, 42, 22] == Bone.BODY
    assert bones[24, 10, 22] == Bone.ARCH
    assert bones[24, 42, 33] == Bone.DISC
    assert bones[5, 21, 51] == Bone.RIB
    assert bones[24, 42, 2] == Bone.NONE
