"""The localizer's box, derived from the masks so that it is never drawn twice."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.volume import Volume

MARGIN_MM = 5.0  # how far the localizer's box reaches beyond the cancellous bone, on every side


def box_ras(labels: Volume, margin_mm: float = MARGIN_MM) -> np.ndarray:
    """The localizer's box: the outer faces of all labelled voxels, plus a margin on every side.

    Returns:
        (3, 2), least and greatest right, anterior and superior coordinate in mm.

    Raises:
        ValueError: nothing is labelled.
    """
    indices = np.argwhere(labels.array)
    if not len(indices):
        raise ValueError("there is no box around an empty label map")
    centres = labels.grid.ras_of(indices)
    half_voxel = np.abs(labels.grid.affine[:3, :3]).sum(axis=1) / 2
    low, high = centres.min(axis=0) - half_voxel, centres.max(axis=0) + half_voxel
    return np.stack((low - margin_mm, high + margin_mm), axis=1)
