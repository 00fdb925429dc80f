"""From a vertebra's mask to where its density is read: the middle of the body, on the vertebra's own axes.

As quantitative CT has it (Niu et al., section "QCT image post-processing"): an ellipse in the central layer of the
body, in front of the basivertebral vein, away from cortex and endplates.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from OpportunisticBMDLib.core.region import SLAB_MM, Region
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.body_frame import (
    FRAME_MM,
    axes_along,
    bodies_in,
    edges_of,
    in_steps,
    lean_of,
    share_in_frame,
)

SHARE = 0.6  # of the body's width and depth that the ellipse spans
FORWARD = 0.05  # of the depth by which it lies in front of the body's middle: away from the basivertebral vein
UP = np.array([0.0, 0.0, 1.0])  # towards the head
LEAST_RISE = np.cos(np.deg2rad(75))  # of the line through the bodies: what lies flatter is no spine
LEAN_STEP = np.deg2rad(1)  # of the angles that are looked for


def place_region(labels: Volume, vertebra: str) -> Region | None:
    """The region of a vertebra, from its own mask and those of its neighbours; None without a mask of a body.

    The body's edges are medians over many lines through its middle, angles come in steps, and lattices begin at the
    median voxel: a spur, a stump of a pedicle or a stroke of the brush beside those lines moves nothing at all.
    """
    bodies = bodies_in(labels)
    if vertebra not in bodies:
        return None
    mask = bodies[vertebra]
    centres = {name: body.middle_ras for name, body in bodies.items()}
    axes = axes_along(_along_spine(centres, vertebra), bodies)
    lean = lean_of(share_in_frame(mask, axes, centres[vertebra]))
    if lean is None:
        return None
    weight = 0.5 if len(bodies) > 1 else 1.0  # of the own endplates beside the line through the neighbours
    axes = axes_along(np.append(-np.tan(in_steps(weight * lean, LEAN_STEP)), 1.0) @ axes, bodies)
    frame = share_in_frame(mask, axes, centres[vertebra])
    edges = edges_of(frame)
    if edges is None:
        return None
    low, high = edges
    size = high - low
    half = np.array([SHARE * size[0] / 2, SHARE * size[1] / 2, SLAB_MM / 2])
    middle = (low + high) / 2 + (0, FORWARD * size[1], 0)
    return Region(frame.grid.ras_of(middle / FRAME_MM), half[:, None] * axes)


def body_height_mm(labels: Volume, vertebra: str, region: Region) -> float:
    """How high the body is above and below the region's ellipse, from one endplate of its mask to the other, mm."""
    mask = bodies_in(labels)[vertebra]
    frame = share_in_frame(mask, region.half_axes / region.half_mm[:, None], region.centre_ras)
    edges = edges_of(frame)
    return 0.0 if edges is None else float((edges[1] - edges[0])[2])


def _along_spine(centres: Mapping[str, np.ndarray], vertebra: str) -> np.ndarray:
    """A direction towards the head: the tangent of the curve through the bodies' centres, as far as it rises."""
    names = list(centres)
    at = names.index(vertebra)
    if len(names) == 1:
        return UP
    steps = [centres[a] - centres[b] for a, b in zip(names, names[1:])]
    if 0 < at < len(names) - 1:
        along = steps[at - 1] + steps[at]
    else:
        nearest_first = steps if at == 0 else steps[::-1]
        along = 1.5 * _unit(nearest_first[0]) - 0.5 * _unit(nearest_first[:2][-1])
    return along if along @ UP > LEAST_RISE * np.linalg.norm(along) else UP


def _unit(vector: np.ndarray) -> np.ndarray:
    """Of length 1; masks at one place have a step of 0 between them, which stays 0."""
    unit: np.ndarray = vector / (np.linalg.norm(vector) or 1.0)
    return unit
