"""How probable a rib is on each side of each vertebra, given what was seen of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.levels import LEAST_RIB_MM, Rib
from OpportunisticBMDLib.stages.levels.bodies import Span
from OpportunisticBMDLib.stages.levels.curve import Curve
from OpportunisticBMDLib.stages.levels.ribs import Piece
from OpportunisticBMDLib.stages.skeleton import Skeleton

STUMP = NormalDist(10.0, 3.0)  # mm: what is shorter is the tip of a transverse process
CUT_MM, CUT_GOES_ON = 12.0, 0.6  # a piece of at least so many mm that is cut reaches 4 cm in this share
MOST = 0.996  # probability of a rib however long its piece: now and then it belongs to the vertebra above,
MOST_BELOW_ANOTHER = 0.9995  # unless that one has a rib of its own on this side
ROOM_MM = 12.0  # of scan above and beside the place where a rib joins, so that it would be seen
ASIDE_MM = 48.0  # beside the spine: what a rib's first 4 cm need


@dataclass(frozen=True)
class RibModel:
    """What the length of a piece of rib tells of the whole.

    Args:
        length_bias_mm, length_sd_mm: by how much longer ribs seem than they are: mean, and SD.
        missed: 0..1 that there is a rib where the place is in view and none is seen.

    Raises:
        ValueError: a SD that is not above 0, or a probability that is none.
    """

    length_bias_mm: float
    length_sd_mm: float
    missed: float

    def __post_init__(self) -> None:
        if not (self.length_sd_mm > 0 and 0 <= self.missed < 1):
            raise ValueError("the ribs' length_sd_mm has to be above 0, and missed a probability")

    @classmethod
    def of_card(cls, outputs: Mapping[str, Any]) -> RibModel:
        """As a model's card has it.

        Raises:
            ValueError: entries missing, or that cannot be.
        """
        try:
            return cls(**{key: float(value) for key, value in outputs["ribs"].items()})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it does not say how long ribs seem, nor how many are missed ({error})") from error

    def present(self, piece: Piece | None) -> float:
        """0..1 that a piece is a rib of at least 4 cm."""
        if piece is None:
            return self.missed
        middle = NormalDist(LEAST_RIB_MM + self.length_bias_mm, self.length_sd_mm)
        found = middle.cdf(piece.length_mm)
        if piece.goes_on and piece.length_mm > CUT_MM:
            found += (1 - found) * CUT_GOES_ON
        return found


def seen_rib(model: RibModel, piece: Piece | None, above: Piece | None, in_view: bool) -> Rib:
    """What is told of one side of a vertebra.

    Args:
        piece: that joins it.
        above: that joins the vertebra above on the same side.
        in_view: whether the scan shows where a rib would join.
    """
    if piece is None:
        return Rib(model.present(None), 0.0, True) if in_view else Rib(0.5, 0.1, False)
    present = model.present(piece) * (MOST if above is None else MOST_BELOW_ANOTHER)
    return Rib(
        probability=present,
        remnant=(1 - present) * STUMP.cdf(piece.length_mm),
        in_view=in_view or present > 0.9,
        length_mm=piece.length_mm,
        calibre_mm=piece.calibre_mm,
        descent_degrees=piece.descent_degrees,
        course_ras_mm=tuple((float(x), float(y), float(z)) for x, y, z in piece.points),
    )


def joint_in_view(skeleton: Skeleton, curve: Curve, span: Span, side: int) -> bool:
    """Whether the scan shows where a rib would join a body, and the way of its first 4 cm.

    Args:
        side: 1 = right, -1 = left.
    """
    joint = curve.at(span.upper)
    low, high = skeleton.scan_mm
    if not low + ROOM_MM < joint[2] < high - 2.0:
        return False
    place = joint + np.array([side * ASIDE_MM, -30.0, -ROOM_MM])
    index = np.round(skeleton.grid.index_of(place)).astype(int)
    if ((index < 0) | (index >= np.array(skeleton.shown.shape))).any():
        return False
    return bool(skeleton.shown[tuple(index)])
