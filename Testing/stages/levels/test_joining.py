"""Pieces of rib join bodies in their order, and none in between is left out without need."""

from __future__ import annotations

import pytest

from OpportunisticBMDLib.stages.levels.bodies import Span
from OpportunisticBMDLib.stages.levels.joining import joined_to
from OpportunisticBMDLib.stages.levels.ribs import Piece
from rib_pieces import piece

SPANS = [Span(30.0 * n, 30.0 * n + 22.0, True) for n in range(5)]  # from feet to head


def joined(*pieces: Piece) -> list[int]:
    """Indices of the bodies that bear one."""
    return [n for n, found in enumerate(joined_to(pieces, SPANS)) if found is not None]


def test_ribs_join_the_upper_part_of_their_body() -> None:
    assert joined(piece(77.0), piece(107.0), piece(137.0)) == [2, 3, 4]


def test_a_steep_rib_seen_too_low_still_joins_the_next_body() -> None:
    # Its place fits nearly as well to the body below, which would leave one out between two ribs.
    assert joined(piece(59.0), piece(107.0), piece(137.0)) == [2, 3, 4]


def test_a_body_without_a_rib_between_two_is_possible_where_the_places_are_clear() -> None:
    assert joined(piece(77.0), piece(137.0)) == [2, 4]


def test_each_body_takes_one_piece() -> None:
    found = joined_to([piece(75.0, 20.0), piece(78.0, 60.0)], SPANS)
    assert sum(one is not None for one in found) == 1
    assert found[2].length_mm == pytest.approx(60.0)


def test_short_pieces_far_from_any_joint_join_none() -> None:
    assert joined(piece(-40.0, 12.0)) == []


def test_no_pieces_join_nothing() -> None:
    assert joined_to([], SPANS) == [None] * 5
