"""Which of the pieces of rib on one side joins which body."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from OpportunisticBMDLib.stages.levels.bodies import Span
from OpportunisticBMDLib.stages.levels.ribs import Piece

JOINT = 0.75  # share of a body's height at which its ribs join
JOINT_SD_MM = 6.0
SKIPPED = 3.0  # cost of a body without a rib between two that bear one: it hardly occurs
LONG_MM, WORTH_MM = 60.0, 6.0  # a long piece has to join some body,
NEAR_MM, FAR_MM = 26.0, 50.0  # one that begins far beside the spine need not


def joined_to(pieces: Sequence[Piece], spans: Sequence[Span]) -> list[Piece | None]:
    """For each body the piece that joins it: along the spine one each, and none left out between two without need.

    Args:
        pieces: of one side.
        spans: from feet to head.
    """
    ordered = sorted(pieces, key=lambda piece: piece.joins_at)
    found: list[Piece | None] = [None] * len(spans)
    for piece, body in _cheapest(_costs(ordered, spans)):
        found[body] = ordered[piece]
    return found


def _costs(pieces: Sequence[Piece], spans: Sequence[Span]) -> np.ndarray:
    """(pieces, bodies): how badly each piece fits to each body, less what it is worth to join any."""
    joints = np.array([span.lower + JOINT * span.height for span in spans])
    at = np.array([piece.joins_at for piece in pieces])[:, None]
    worth = np.array([min(piece.length_mm, LONG_MM) / WORTH_MM * _nearness(piece) for piece in pieces])[:, None]
    costs: np.ndarray = 0.5 * ((at - joints) / JOINT_SD_MM) ** 2 - worth
    return costs


def _nearness(piece: Piece) -> float:
    """1 where a piece begins at the spine, 0 where it begins far out."""
    return float(np.interp(piece.beside[0], (NEAR_MM, FAR_MM), (1.0, 0.0)))


def _cheapest(costs: np.ndarray) -> tuple[tuple[int, int], ...]:
    """(piece, body) of all that join, both ascending."""
    pieces, bodies = costs.shape

    @cache
    def rest(piece: int, last: int) -> tuple[float, tuple[tuple[int, int], ...]]:
        """Least cost of this and all further pieces where the one before joins body `last` (-1: none does yet)."""
        if piece == pieces:
            return 0.0, ()
        options = [rest(piece + 1, last)]  # this one joins none
        for body in range(last + 1, bodies):
            cost, further = rest(piece + 1, body)
            skipped = SKIPPED * (body - last - 1) if last >= 0 else 0.0
            options.append((float(costs[piece, body]) + skipped + cost, ((piece, body), *further)))
        return min(options, key=lambda option: option[0])

    return rest(0, -1)[1]
