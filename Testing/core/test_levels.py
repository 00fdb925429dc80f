"""Names follow each other from head to foot, and move together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from OpportunisticBMDLib.core.levels import Answer, Levels, Rib, SeenVertebra, names_around

NO_RIB = Rib(0.02, 0.03, True)
LONG = Rib(0.97, 0.02, True, 72.0)


def levels(*ribs: Rib) -> Levels:
    first = sum(rib is LONG for rib in ribs)
    names = names_around(first, len(ribs))
    places = [(0.0, 0.0, -35.0 * n) for n in range(len(ribs))]
    vertebrae = tuple(SeenVertebra(n, p, p, p, True, rib, rib) for n, p, rib in zip(names, places, ribs, strict=True))
    return Levels(vertebrae, (Answer(0, 0.8, 90.0), Answer(1, 0.15, 80.0)))


def test_names_run_through_t12_to_l1() -> None:
    assert names_around(2, 5) == ["T11", "T12", "L1", "L2", "L3"]
    assert names_around(0, 2) == ["L1", "L2"]
    assert names_around(2, 2) == ["T11", "T12"]


def test_moving_the_names_keeps_what_was_seen() -> None:
    before = levels(LONG, LONG, NO_RIB, NO_RIB)
    after = before.moved_by(1)
    assert [v.name for v in after.vertebrae] == ["T10", "T11", "T12", "L1"]
    assert [v.right for v in after.vertebrae] == [v.right for v in before.vertebrae]
    assert after.moved == 1
    assert after.probability == 0.15
    assert [answer.shift for answer in after.answers] == [-1, 0]
    assert after.moved_by(-1) == before


@pytest.mark.parametrize(
    ("rib", "state"),
    [
        (LONG, "present"),
        (NO_RIB, "absent"),
        (Rib(0.2, 0.75, True), "remnant"),
        (Rib(0.45, 0.45, True), "cannot tell"),
        (Rib(0.97, 0.02, False), "cannot tell"),
    ],
)
def test_a_ribs_state_is_the_likeliest_one_that_is_in_view(rib: Rib, state: str) -> None:
    assert rib.state == state


def test_one_side_is_enough_for_a_vertebra_to_have_ribs() -> None:
    one = SeenVertebra("T12", (0, 0, 0), (0, 0, 0), (0, 0, 0), True, LONG, NO_RIB)
    assert one.has_ribs > 0.7
    both, none = replace(one, left=LONG), replace(one, right=NO_RIB)
    assert both.has_ribs > 0.99
    assert none.has_ribs < 0.02 * 0.25  # much less than either side alone


def test_the_answer_taken_has_the_density_that_is_shown() -> None:
    found = levels(LONG, NO_RIB).with_bmd(101.0)
    assert [answer.bmd_mg_cm3 for answer in found.answers] == [101.0, 80.0]
    assert [answer.bmd_mg_cm3 for answer in found.with_bmd(None).answers] == [None, None]
