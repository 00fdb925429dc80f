"""Which voxels no scanner wrote, and what stands in their place."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.core.damage import damaged, repaired, unlike_neighbours


@pytest.fixture
def bone() -> np.ndarray:
    noise = np.random.default_rng(0).normal(140, 40, (30, 28, 14))
    return np.rint(noise).astype(np.float32)


def test_noise_is_no_damage(bone):
    assert not damaged(bone).any()


@pytest.mark.parametrize("value", [8192 + 140, -1024, 3071, 1164])
def test_a_voxel_unlike_its_neighbours_is(bone, value):
    bone[12, 9, 6] = value
    assert np.argwhere(damaged(bone)).tolist() == [[12, 9, 6]]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("value", [0, -1024, 140])
def test_a_filled_slice_is(bone, value, axis):
    np.moveaxis(bone, axis, 0)[5] = value
    found = np.moveaxis(damaged(bone), axis, 0)
    assert found[5].all() and not found[[4, 6]].any()


def test_half_a_slice_is_a_whole_one(bone):
    bone[:14, :, 7] = 0
    assert damaged(bone)[:, :, 7].all() and damaged(bone).mean() == pytest.approx(1 / 14)


def test_a_slice_of_garbage_is(bone):
    bone[:, :, 7] = np.random.default_rng(1).integers(-1024, 3072, bone.shape[:2])
    assert damaged(bone)[:, :, 7].all() and not damaged(bone)[:, :, [6, 8]].any()


def test_of_two_same_slices_one_is(bone):
    bone[:, :, 7] = bone[:, :, 6]
    assert damaged(bone)[:, :, 7].all() and damaged(bone).mean() == pytest.approx(1 / 14)


def test_salt_and_pepper_are(bone):
    dice = np.random.default_rng(2).random(bone.shape)
    wrong = (dice < 0.02) | (dice > 0.98)
    bone[dice < 0.02], bone[dice > 0.98] = -1024, 3071
    assert np.array_equal(damaged(bone), wrong)


def test_what_a_whole_image_shows_is_how_it_was_made(bone):
    assert not damaged(np.full_like(bone, 140)).any()
    assert not damaged(bone.repeat(2, axis=2)).any()


@pytest.mark.parametrize("value", [-90, 900, 3071])
def test_a_lesion_of_one_value_is_none(bone, value):
    bone[9:17, 9:17, 4:10] = value
    assert damaged(bone).mean() < 0.01


def test_damage_is_repaired_from_its_neighbours(bone):
    sound = bone.copy()
    bone[:, :, 7], bone[3, 3, 3] = -1024, 30000
    whole = repaired(bone, damaged(bone))
    assert np.array_equal(np.delete(whole, 7, axis=2)[4:], np.delete(sound, 7, axis=2)[4:])
    assert whole[:, :, 7].mean() == pytest.approx(140, abs=5) and whole[3, 3, 3] == pytest.approx(140, abs=40)


def test_metal_stands_not_alone(bone):
    bone[5:9, 5:9, 5:9], bone[20, 20, 10] = 3071, 3071
    alone = unlike_neighbours(bone, bone > 1500)
    assert alone[20, 20, 10] and not alone[6:8, 6:8, 6:8].any()
