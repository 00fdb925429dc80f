"""A vertebra at the edge of the scan."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.quality.registry import SeenMask, SeenRegion, of_masks, of_regions

MOST_ON_EDGE = 0.02  # of a mask's voxels on the scan's outermost slices
MOST_AT_RIM = 0.01  # of a mask's voxels beside what the field of view does not show
LEAST_COVERED = 0.98  # share of a region that the scan has to show


@of_masks.check(ReasonCode.CUT_OFF)
def mask_cut_off(seen: SeenMask) -> Iterator[Reason]:
    share = _share_on_edge(seen.mask)
    if share > MOST_ON_EDGE:
        message = f"{seen.vertebra} is cut off by the edge of the scan."
        yield Reason(ReasonCode.CUT_OFF, "warning", message, seen.vertebra, Figure(100 * share, 100 * MOST_ON_EDGE))
        return
    share = _share_at_rim(seen.ct, seen.mask)
    if share > MOST_AT_RIM:
        message = f"{seen.vertebra} is cut off by the rim of the field of view."
        yield Reason(ReasonCode.CUT_OFF, "warning", message, seen.vertebra, Figure(100 * share, 100 * MOST_AT_RIM))


@of_regions.check(ReasonCode.CUT_OFF)
def region_cut_off(seen: SeenRegion) -> Iterator[Reason]:
    if seen.reading is not None and seen.reading.voxels and seen.reading.covered < LEAST_COVERED:
        message = f"The middle of {seen.vertebra} is cut off by the edge of the scan."
        figure = Figure(100 * seen.reading.covered, 100 * LEAST_COVERED)
        yield Reason(ReasonCode.CUT_OFF, "warning", message, seen.vertebra, figure)


def _share_on_edge(mask: np.ndarray) -> float:
    """The share of a mask's voxels on the array's outermost slices."""
    faces = [np.moveaxis(mask, axis, 0)[side].sum() for axis in range(3) for side in (0, -1)]
    return float(max(faces) / mask.sum())


def _share_at_rim(ct: Volume, mask: np.ndarray) -> float:
    """Voxels within the slices beside a mask, or in it, that were padded, relative to the mask's.

    Nothing beside bone is as empty as the lowest value of a file. A slice that is empty as a whole is damaged, not cut.
    """
    axis = ct.grid.axis_towards(2)
    padded = ct.array <= AIR_HU
    if not padded.any():
        return 0.0
    others = tuple(a for a in range(3) if a != axis)
    padded &= ~padded.all(axis=others, keepdims=True)
    plane = np.expand_dims(np.ones((3, 3), bool), axis)
    return float((padded & ndimage.binary_dilation(mask, plane)).sum() / mask.sum())
