"""Pieces of rib as the network would show them."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.stages.levels.ribs import Piece


def piece(joins_mm: float, length_mm: float = 60.0) -> Piece:
    """A straight one that begins right at the spine."""
    beside = 24.0 + np.linspace(0, length_mm, max(int(length_mm / 4), 1) + 1)
    return Piece(
        along=np.full(len(beside), joins_mm),
        beside=beside,
        points=np.stack((beside, 0 * beside, 0 * beside + joins_mm), axis=1),
        calibre_mm=7.0,
        sure=0.9,
        goes_on=False,
    )
