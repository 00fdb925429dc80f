"""A vertebra at the edge of the scan."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenMask, SeenRegion, of_masks, of_regions

MOST_ON_EDGE = 0.02  # of a mask's voxels on the scan's outermost slices
LEAST_COVERED = 0.98  # share of a region that the scan has to show


@of_masks.check(ReasonCode.CUT_OFF)
def mask_cut_off(seen: SeenMask) -> Iterator[Reason]:
    share = _share_on_edge(seen.mask)
    if share > MOST_ON_EDGE:
        message = f"{seen.vertebra} is cut off by the edge of the scan."
        yield Reason(ReasonCode.CUT_OFF, "warning", message, seen.vertebra, Figure(100 * share, 100 * MOST_ON_EDGE))


@of_regions.check(ReasonCode.CUT_OFF)
def region_cut_off(seen: SeenRegion) -> Iterator[Reason]:
    if seen.reading is not None and seen.reading.voxels and seen.reading.covered < LEAST_COVERED:
        message = f"The middle of {seen.vertebra} is cut off by the edge of the scan."
        figure = Figure(100 * seen.reading.covered, 100 * LEAST_COVERED)
        yield Reason(ReasonCode.CUT_OFF, "warning", message, seen.vertebra, figure)


def _share_on_edge(mask: np.ndarray) -> float:
    """The share of a mask's voxels on the array's outermost slices."""
    faces = [mask.take(side, axis=axis).sum() for axis in range(3) for side in (0, -1)]
    return float(max(faces) / mask.sum())
