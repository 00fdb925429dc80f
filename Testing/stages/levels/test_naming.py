"""Names are the likeliest ones over ribs, sacrum and localizer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from OpportunisticBMDLib.core.levels import Rib, SeenVertebra, Variant
from OpportunisticBMDLib.stages.levels.naming import named, variant_of

NO_RIB, LONG = Rib(0.01, 0.02, True), Rib(0.98, 0.01, True, 70.0)
SURE, NONE = 0.995, 0.005


def likeliest(naming: dict[int, float]) -> int:
    return next(iter(naming))


def test_the_first_vertebra_without_ribs_is_l1() -> None:
    naming = named([SURE, SURE, SURE, NONE, NONE], 3.0, above_sacrum=False)
    assert likeliest(naming) == 3
    assert naming[3] > 0.97
    assert sum(naming.values()) == pytest.approx(1)


@pytest.mark.parametrize("box_at", [2.0, 4.0])
def test_ribs_outvote_the_localizer(box_at: float) -> None:
    naming = named([SURE, SURE, SURE, NONE, NONE], box_at, above_sacrum=False)
    assert naming[3] > 0.95


def test_a_rib_that_cannot_be_told_leaves_both_answers() -> None:
    naming = named([SURE, SURE, 0.5, NONE, NONE], 2.5, above_sacrum=False)
    assert naming[2] == pytest.approx(naming[3], rel=0.05)
    assert max(naming.values()) < 0.6


def test_without_ribs_in_view_the_localizer_and_the_sacrum_decide() -> None:
    unseen = [None, NONE, NONE, NONE, NONE, NONE]
    assert likeliest(named(unseen, 1.0, above_sacrum=True)) == 1
    alone = named([None, None, None], 1.0, above_sacrum=False)
    assert likeliest(alone) == 1
    assert alone[1] < 0.95  # which is not enough to be sure


def test_all_vertebrae_with_ribs_put_l1_below_the_scan() -> None:
    assert likeliest(named([SURE] * 5, 3.0, above_sacrum=False)) == 5


def test_no_ribs_in_view_leave_room_for_an_l1_above_the_scan() -> None:
    naming = named([NONE, NONE, NONE], 0.0, above_sacrum=False)
    assert likeliest(naming) == 0
    assert 0.05 < naming[-1] < naming[0]


def test_five_vertebrae_above_the_sacrum_settle_a_doubtful_rib() -> None:
    doubtful = [SURE, SURE, 0.5, NONE, NONE, NONE, NONE, NONE]
    assert named(doubtful, None, above_sacrum=True)[3] > 0.8


def test_a_vertebra_without_ribs_above_one_with_them_leaves_the_names_in_doubt() -> None:
    miscounted = named([0.999, 0.01, 0.999, 0.01, 0.01], 3.0, above_sacrum=False)
    counted = named([0.999, 0.999, 0.999, 0.01, 0.01], 3.0, above_sacrum=False)
    assert next(iter(miscounted)) == next(iter(counted)) == 3
    assert counted[3] > 0.95 > 0.6 > miscounted[3]


def spine(with_ribs: int, without: int) -> list[SeenVertebra]:
    here = (0.0, 0.0, 0.0)
    return [SeenVertebra("", here, here, here, True, rib, rib) for rib in [LONG] * with_ribs + [NO_RIB] * without]


@pytest.mark.parametrize(
    ("free", "variant"), [(4, Variant.THIRTEEN_RIBS), (5, Variant.USUAL), (6, Variant.ELEVEN_RIBS)]
)
def test_the_number_of_vertebrae_above_the_sacrum_names_the_variant(free: int, variant: Variant) -> None:
    assert variant_of(spine(3, free), 3, above_sacrum=True) is variant
    assert variant_of(spine(3, free), 3, above_sacrum=False) is Variant.USUAL


@pytest.mark.parametrize(("length_mm", "variant"), [(25.0, Variant.STUMP_RIBS), (8.0, Variant.USUAL)])
def test_a_stump_below_the_last_ribs_is_named_a_tip_of_a_transverse_process_is_not(
    length_mm: float, variant: Variant
) -> None:
    stump = replace(NO_RIB, remnant=0.9, length_mm=length_mm)
    above, first, *below = spine(1, 3)
    assert variant_of([above, replace(first, left=stump), *below], 1, above_sacrum=False) is variant


@pytest.mark.parametrize(("length_mm", "variant"), [(13.0, Variant.STUMP_RIBS), (8.0, Variant.ELEVEN_RIBS)])
def test_above_five_more_without_ribs_a_shorter_one_is_a_stump(length_mm: float, variant: Variant) -> None:
    stump = replace(NO_RIB, remnant=0.9, length_mm=length_mm)
    above, first, *below = spine(1, 6)
    assert variant_of([above, replace(first, left=stump), *below], 1, above_sacrum=True) is variant
