"""What a reader changed: said by a result, read from it again, and told apart from other edits of the same volume."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from example_results import box_of, grid_of, normal, synthetic_case
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.edits import NO_EDITS, Edits, KnownResults
from OpportunisticBMDLib.edits.known_results import REMEMBERED

LABELS_OF_PATIENT = synthetic_case(grid_of("straight"))[1].labels


def measured_with(edits: Edits) -> Result:
    """A result whose reasons tell these edits."""
    reasons = (Reason("kvp_unknown", "info", "The tube voltage is not known."), *edits.exclusions(), *edits.notes())
    return replace(normal(), reasons=reasons, box=edits.box or box_of())


def without(vertebra: str) -> Volume:
    """The patient's masks, one of them erased."""
    array = LABELS_OF_PATIENT.array.copy()
    array[array == LABELS[vertebra]] = 0
    return Volume(array, LABELS_OF_PATIENT.grid)


@pytest.mark.parametrize(
    "edits", [NO_EDITS, Edits(frozenset({"T12", "L2"}), frozenset({"L1"}), box_of())], ids=["none", "all"]
)
def test_a_result_tells_the_edits_that_it_was_measured_with(edits: Edits):
    read = Edits.of_result(measured_with(edits))
    assert (read.edited, read.excluded, read.box) == (edits.edited, edits.excluded, edits.box)


def test_a_mask_that_was_changed_is_edited_and_stays_so():
    edits = NO_EDITS.with_masks(LABELS_OF_PATIENT, without("L2"))
    assert edits.edited == {"L2"}
    assert edits.with_masks(LABELS_OF_PATIENT, without("T12")).edited == {"T12", "L2"}


def test_a_vertebra_is_left_out_and_taken_back():
    assert NO_EDITS.using("L1", False).excluded == {"L1"}
    assert NO_EDITS.using("L1", False).using("L1", True).excluded == frozenset()
    with pytest.raises(ValueError, match="not of L5"):
        NO_EDITS.using("L5", False)


def test_a_known_result_is_found_by_its_masks_and_edits_alone():
    known, result = KnownResults(), normal()
    known.remember(LABELS_OF_PATIENT, NO_EDITS, result)
    same = Volume(np.array(LABELS_OF_PATIENT.array), LABELS_OF_PATIENT.grid)
    assert known.find(same, Edits()) is result
    assert known.find(without("L2"), NO_EDITS) is None
    for other in (NO_EDITS.using("L1", False), Edits(box=box_of()), Edits(edited=frozenset({"T12"}))):
        assert known.find(same, other) is None
    known.forget()
    assert known.find(same, NO_EDITS) is None


def test_only_the_latest_results_are_kept():
    known, nothing = KnownResults(), without("L1")
    known.remember(LABELS_OF_PATIENT, NO_EDITS, normal())
    for number in range(REMEMBERED):
        array = nothing.array.copy()
        array[number % 8, number // 8, 0] = 1
        known.remember(Volume(array, nothing.grid), NO_EDITS, normal())
    assert known.find(LABELS_OF_PATIENT, NO_EDITS) is None
    assert known.find(Volume(array, nothing.grid), NO_EDITS) is not None
