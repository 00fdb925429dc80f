"""The localizer's box, moved to the vertebrae that were named."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.box import MARGIN_MM, Box
from OpportunisticBMDLib.core.errors import Refused
from OpportunisticBMDLib.core.levels import Levels, SeenVertebra
from OpportunisticBMDLib.core.reason import Figure, ReasonCode
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.stages.levels.bodies import PITCH_MM

SAME_MM = 14.0  # by which the middles of two boxes around the same vertebrae differ at most: half a small one
LEAST_VERTEBRAE = 2
DEPTH_MM = 15.0  # half of a body's: a leaning endplate reaches higher in front or behind


def box_at(levels: Levels, box: Box) -> Box:
    """The box where it lies around T12 to L2 already, else one of the same width and depth that does.

    Raises:
        Refused: fewer than two of the three are in view.
    """
    if not levels.vertebrae:  # no spine was made out: the names are not sure, and the localizer's box is all there is
        return box
    found = [levels.find(name) for name in VERTEBRAE]
    count = sum(vertebra is not None for vertebra in found)
    if count < LEAST_VERTEBRAE:
        raise Refused(
            ReasonCode.BOX_LEAVES_SCAN,
            "Fewer than two of T12, L1 and L2 are in the scan, as the ribs show: they cannot be measured.",
            Figure(100 * count / len(VERTEBRAE), 100 * LEAST_VERTEBRAE / len(VERTEBRAE)),
        )
    height = _height(found)
    if abs(height.mean() - box.ras_mm[2].mean()) < SAME_MM:
        return box
    middle = np.mean([vertebra.centre_ras_mm for vertebra in found if vertebra is not None], axis=0)
    half = np.ptp(box.ras_mm[:2], axis=1) / 2
    across = np.stack((middle[:2] - half, middle[:2] + half), axis=1)
    return Box(np.concatenate((across, height[None])), box.score)


def _height(found: list[SeenVertebra | None]) -> np.ndarray:
    """(2,) superior coordinates of the box; what is not in view is taken to be as high as its neighbour."""
    t12, _, l2 = found
    seen = [vertebra for vertebra in found if vertebra is not None]
    heights = [vertebra.centre_ras_mm[2] for vertebra in seen]
    pitch = (heights[0] - heights[-1]) / (len(seen) - 1) or PITCH_MM
    upper = _edge(t12, 1) if t12 is not None else _edge(seen[0], 1) + pitch
    lower = _edge(l2, -1) if l2 is not None else _edge(seen[-1], -1) - pitch
    return np.array([lower - MARGIN_MM, upper + MARGIN_MM])


def _edge(vertebra: SeenVertebra, up: int) -> float:
    """The highest or lowest point of a body."""
    lower, upper = np.array(vertebra.lower_ras_mm), np.array(vertebra.upper_ras_mm)
    axis = (upper - lower) / np.linalg.norm(upper - lower)
    end = upper if up > 0 else lower
    return float(end[2] + up * DEPTH_MM * np.hypot(*axis[:2]))
