"""The bone of a body, voxel by voxel, as the checks see it that look for what is not the patient's density."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.damage import damaged, repaired
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.ranges import extent, grown
from OpportunisticBMDLib.core.reading import LUMP_MM, METAL_HU, Reading
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume

GAS_MM = 0.7  # SD of what is looked at for gas: it stands out by so much that it need not be smoothed further
CORE_MM = 3.0  # from a mask's surface, from where on neither cortex nor endplates blur in
WALL_RADII = 1.6  # of a region: there the wall of its body begins, beyond which a mask may hold an arch
MARROW_HU = -60.0  # of marrow without mineral, about: what a body reads above it is bone


@dataclass(frozen=True, eq=False)
class Body:
    """A body and a little of what is around it.

    Args:
        ct: HU.
        mask: (I, J, K) bool, on the same grid; it is not empty.
        region: the middle of it.
    """

    ct: Volume
    mask: np.ndarray
    region: Region

    @classmethod
    def of(cls, ct: Volume, labels: Volume, vertebra: str, reading: Reading) -> Body:
        """Of a vertebra that has a mask, with damaged voxels filled from their neighbours.

        Args:
            ct: HU.
            labels: on the same grid.
        """
        found = extent(labels.array == LABELS[vertebra])
        if found is None:
            raise ValueError(f"{vertebra} has no mask")
        ranges = grown(found, ct.grid.size, np.ceil(2 * LUMP_MM / ct.grid.spacing).astype(int))
        part = ct.part(ranges)
        hu = part.array.astype(np.float32)
        if reading.damaged:
            hu = repaired(hu, damaged(hu))
        return cls(Volume(hu, part.grid), labels.array[ranges] == LABELS[vertebra], reading.region)

    @cached_property
    def place(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(I, J, K) each: right, front and up of each voxel in half axes of the region: -1..1 inside."""
        return self.region.local_on(self.ct.grid)

    @cached_property
    def middle(self) -> np.ndarray:
        """(I, J, K) bool: which voxels of the mask lie in the region."""
        return self.within(0.0) & self.mask

    @cached_property
    def slab(self) -> np.ndarray:
        """(I, J, K) bool: which voxels of the core are as high as the region, without it."""
        around: np.ndarray = self.core & (np.abs(self.place[2]) <= 1) & ~self.within(0.0)
        return around

    @cached_property
    def core(self) -> np.ndarray:
        """(I, J, K) bool: what of the body lies well below its surface."""
        right, front, _ = self.place
        deep: np.ndarray = self.deeper_than(CORE_MM) & (np.hypot(right, front) <= WALL_RADII)
        return deep

    @cached_property
    def smooth(self) -> np.ndarray:
        """(I, J, K) HU without noise and trabeculae."""
        return self.smoothed(LUMP_MM)

    @cached_property
    def bone_hu(self) -> float:
        """What the middle reads above marrow without mineral."""
        return float(np.median(self.smooth[self.middle])) - MARROW_HU

    def within(self, room_mm: float) -> np.ndarray:
        """(I, J, K) bool: in the region, and so far around it."""
        reach = 1 + room_mm / self.region.half_mm
        right, front, up = self.place
        inside: np.ndarray = (np.hypot(right / reach[0], front / reach[1]) <= 1) & (np.abs(up) <= reach[2])
        return inside

    def deeper_than(self, depth_mm: float) -> np.ndarray:
        """(I, J, K) bool: what of the mask lies deeper than that below its surface."""
        deep: np.ndarray = self._depth_mm > depth_mm
        return deep

    def smoothed(self, sd_mm: float) -> np.ndarray:
        """(I, J, K) HU behind a Gaussian of that SD."""
        hu: np.ndarray = ndimage.gaussian_filter(
            np.clip(self.ct.array, -1000, METAL_HU).astype(np.float32), sd_mm / self.ct.grid.spacing
        )
        return hu

    @cached_property
    def _depth_mm(self) -> np.ndarray:
        """(I, J, K) below the surface of the mask; 0 outside."""
        depth, held = np.zeros(self.mask.shape), extent(self.mask)
        if held is not None:
            padded = np.pad(self.mask[held], 1)
            depth[held] = ndimage.distance_transform_edt(padded, sampling=self.ct.grid.spacing)[1:-1, 1:-1, 1:-1]
        return depth

    def volume_mm3(self, where: np.ndarray) -> float:
        """Of some of its voxels."""
        return float(np.count_nonzero(where) * self.ct.grid.voxel_volume)

    def along_axes(self, step_mm: tuple[float, float, float]) -> Volume:
        """HU of the region's surrounding cuboid on a grid along its axes, right, front and up."""
        half, axes = self.region.half_mm, self.region.half_axes / self.region.half_mm[:, None]
        size = 2 * np.floor(half / step_mm).astype(int) + 1
        affine = np.eye(4)
        affine[:3, :3] = (axes * np.array(step_mm)[:, None]).T
        affine[:3, 3] = self.region.centre_ras - affine[:3, :3] @ ((size - 1) / 2)
        first, second, third = (int(n) for n in size)
        return self.ct.resampled(Grid((first, second, third), affine), outside=float(self.bone_hu + MARROW_HU))
