"""How high the vertebral bodies are in front, in the middle and behind, by their masks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from OpportunisticBMDLib.core.heights import BodyHeights
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.body_frame import (
    FRAME_MM,
    BodyMask,
    axes_along,
    bodies_in,
    crossings_of,
    edges_of,
    lean_of,
    share_in_frame,
)

ENDPLATES_MM = 3.0  # both of them with their blur, which a mask of cancellous bone leaves out
THICKEST_MM = 5.0  # slices in which heights can be told
LEAST_EXTENT = 0.5  # of the widest and of the deepest body: what is less has not sunk but is a part of one
TURNS = 3  # of the axis, until it stands upright between the endplates
# From where to where, in half depths to the front; how far to either side, in half widths; and which percentile: a
# hollow is looked for in the middle, the rim behind, where it is steep.
ANTERIOR, MIDDLE, POSTERIOR = (0.5, 0.9, 0.7, 50), (-0.35, 0.25, 0.5, 35), (-0.95, -0.7, 0.6, 75)


def body_heights(labels: Volume, regions: Mapping[str, Region]) -> dict[str, BodyHeights]:
    """Vertebra -> its heights, of whole bodies that lie in the scan; of none where slices are too thick to tell.

    Args:
        labels: the masks' part of the scan (see `MaskedCT`).
        regions: where the middle of each body is.
    """
    if labels.grid.spacing.max() > THICKEST_MM:
        return {}
    bodies = bodies_in(labels)
    least = LEAST_EXTENT * np.max([region.half_mm for region in regions.values()], axis=0, initial=0.0)
    whole = {
        name: region
        for name, region in regions.items()
        if (region.half_mm >= least)[:2].all() and not _touches_edge(labels.array, LABELS[name])
    }
    return {name: found for name, region in whole.items() if (found := _heights(bodies, name, region)) is not None}


def _heights(bodies: Mapping[str, BodyMask], vertebra: str, region: Region) -> BodyHeights | None:
    """Along the body's own axis: neighbours that have sunk do not tilt it."""
    axes = region.half_axes / region.half_mm[:, None]
    for _ in range(TURNS):
        lean = lean_of(share_in_frame(bodies[vertebra], axes, region.centre_ras))
        if lean is None:
            return None
        axes = axes_along(np.append(-np.tan(lean), 1.0) @ axes, bodies)
    frame = share_in_frame(bodies[vertebra], axes, region.centre_ras)
    edges = edges_of(frame)
    if edges is None:
        return None
    middle, half = (edges[1] + edges[0]) / 2, (edges[1] - edges[0]) / 2
    right, front = np.meshgrid(
        *((FRAME_MM * np.arange(n) - middle[a]) / half[a] for a, n in enumerate(frame.array.shape[:2])), indexing="ij"
    )
    bottom, top = crossings_of(frame.array, 2)
    height = FRAME_MM * (top - bottom) + ENDPLATES_MM
    found = []
    for first, last, aside, percentile in (ANTERIOR, MIDDLE, POSTERIOR):
        zone = height[(front >= first) & (front <= last) & (np.abs(right) <= aside) & np.isfinite(height)]
        if not len(zone):
            return None
        found.append(float(np.percentile(zone, percentile)))
    return BodyHeights(*found)


def _touches_edge(labels: np.ndarray, label: int) -> bool:
    return any((np.moveaxis(labels, axis, 0)[side] == label).any() for axis in range(3) for side in (0, -1))
