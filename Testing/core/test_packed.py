"""Label maps kept for later come back voxel for voxel, and take little memory."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.core.packed import PackedLabels


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.uint8, bool])
def test_what_is_packed_comes_back(order: str, dtype: type):
    labels = np.random.default_rng(1).integers(0, 4, (5, 7, 9)).astype(dtype)
    labels[:2] = labels[:, :, 6:] = 0
    packed = PackedLabels.of(np.asarray(labels, order=order))
    assert packed.array.dtype == np.uint8 and (packed.array == labels).all()
    assert packed.size == (5, 7, 9) and packed.start[0] == 2
    first = tuple(slice(a, a + n) for a, n in zip(packed.start, packed.shape))
    assert (packed.part == labels[first]).all()


def test_nothing_comes_back_as_nothing():
    packed = PackedLabels.of(np.zeros((3, 4, 5), np.uint8))
    assert packed.array.shape == (3, 4, 5) and not packed.array.any() and packed.part.size == 0


def test_equal_voxels_are_equal_and_one_other_voxel_is_not():
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[2:4, 2:4, 2:4] = 2
    other = labels.copy()
    other[2, 2, 2] = 1
    assert PackedLabels.of(labels) == PackedLabels.of(labels.copy(order="F"))
    assert PackedLabels.of(labels) != PackedLabels.of(other)
    assert PackedLabels.of(labels) != PackedLabels.of(np.roll(labels, 1, axis=0))


def test_the_masks_of_a_large_ct_take_some_kb():
    labels = np.zeros((512, 512, 300), np.uint8)
    i, j, k = np.ogrid[:512, :512, :300]
    for label, middle in ((1, 90), (2, 150), (3, 210)):
        labels[((i - 256) / 28) ** 2 + ((j - 300) / 22) ** 2 + ((k - middle) / 22) ** 4 < 1] = label
    assert len(PackedLabels.of(labels).packed) < 50_000 < labels.nbytes / 1000
