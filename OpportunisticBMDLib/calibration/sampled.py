"""A CT looked at on a coarse grid, quickly."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import AIR_HU, Volume


def sampled(ct: Volume, grid: Grid) -> Volume:
    """Values at a few points, linear between voxels. Not averaged as `Volume.resampled` is: noise stays, time does not.

    Returns:
        float32; air outside the CT.
    """
    part = ct.part(ct.grid.part_under(grid, margin=1))
    index = np.linalg.inv(part.grid.affine) @ grid.affine  # of the part, from that of the grid
    hu = ndimage.affine_transform(
        part.array, index[:3, :3], index[:3, 3], grid.size, np.float32, 1, mode="constant", cval=AIR_HU
    )
    return Volume(hu, grid)
