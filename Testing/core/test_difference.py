"""Which vertebrae differ between two label maps."""

from __future__ import annotations

import numpy as np
import pytest

from grids import GRIDS, SIZE
from OpportunisticBMDLib.core.difference import changed_vertebrae
from OpportunisticBMDLib.core.volume import Volume


def three_blocks(name: str = "canonical") -> Volume:
    """T12, L1 and L2 as boxes that touch each other."""
    labels = np.zeros(SIZE, np.uint8)
    labels[3:9, 4:9, 11:15] = 1
    labels[4:11, 4:10, 7:11] = 2
    labels[5:14, 3:9, 2:7] = 3
    return Volume(labels, GRIDS[name])


def test_changed_vertebrae_are_named():
    labels = three_blocks()
    assert changed_vertebrae(labels, Volume(labels.array.copy(), labels.grid)) == frozenset()
    taken = labels.array.copy()
    taken[4, 4, 11] = 2  # a voxel of T12 goes to L1
    assert changed_vertebrae(labels, Volume(taken, labels.grid)) == {"T12", "L1"}
    grown = labels.array.copy()
    grown[0, 0, 0] = 3
    assert changed_vertebrae(labels, Volume(grown, labels.grid)) == {"L2"}


def test_masks_that_come_from_nothing_or_go_are_changed():
    labels = three_blocks()
    nothing = Volume(np.zeros_like(labels.array), labels.grid)
    assert changed_vertebrae(nothing, nothing) == frozenset()
    assert changed_vertebrae(nothing, labels) == changed_vertebrae(labels, nothing) == {"T12", "L1", "L2"}


def test_labels_of_two_grids_are_not_compared():
    with pytest.raises(ValueError, match="two grids"):
        changed_vertebrae(three_blocks("canonical"), three_blocks("oblique"))
