"""Hydroxyapatite added to the cancellous bone of a CT, so that the change of its BMD is known."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ranges import extent, grown
from OpportunisticBMDLib.core.volume import Volume

GROWN_MM = 1.5  # beyond the masks, so that neither blur nor an edge betrays them
FADING_MM = 1.0  # beyond that the change falls to nothing over so much


def with_added(ct: Volume, labels: Volume, change_mg_cm3: float, line: Calibration) -> Volume:
    """A CT whose cancellous bone holds so much more hydroxyapatite: HU + slope x change, float32.

    Args:
        ct: HU.
        labels: cancellous bone on the CT's grid, non-zero inside; there the change is exact.
        change_mg_cm3: may be negative.
        line: of the CT's tube voltage; only its slope matters.
    """
    change = np.float32(line.slope_hu_per_mg_cm3 * change_mg_cm3)
    return Volume(ct.array.astype(np.float32) + change * share_of_change(labels), ct.grid)


def share_of_change(labels: Volume) -> np.ndarray:
    """(I, J, K) float32: 1 in the masks and `GROWN_MM` around them, falling to 0 over `FADING_MM` more.

    A voxel beside a mask counts as that near however large it is, since its values blend into the mask's.
    """
    share = np.zeros(labels.grid.size, np.float32)
    ranges = extent(labels.array)
    if ranges is None:
        return share
    sampling = np.minimum(labels.grid.spacing, GROWN_MM)
    pad = np.ceil((GROWN_MM + FADING_MM) / sampling).astype(int)
    ranges = grown(ranges, labels.grid.size, pad)
    distance = ndimage.distance_transform_edt(labels.array[ranges] == 0, sampling=sampling)
    share[ranges] = np.clip((GROWN_MM + FADING_MM - distance) / FADING_MM, 0, 1)
    return share
