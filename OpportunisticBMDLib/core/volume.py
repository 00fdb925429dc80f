"""An array with its grid: CT volumes and label maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.separable import applied, averaging_weights, parallel_weights

AIR_HU = -1024.0
SMOOTHING_MARGIN = 12  # voxels around the wanted part, so that smoothing sees no edge there


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxel values on a grid.

    Args:
        array: indexed [i, j, k]; HU for a CT, 0 = background, 1 = T12, 2 = L1, 3 = L2 for a label map.
        grid: where the voxels are; its size is the array's shape.

    Raises:
        ValueError: array and grid differ in size.
    """

    array: np.ndarray
    grid: Grid

    def __post_init__(self) -> None:
        if self.array.shape != self.grid.size:
            raise ValueError(f"array of shape {self.array.shape} on a grid of size {self.grid.size}")

    @classmethod
    def from_sitk(cls, image: sitk.Image) -> Volume:
        """Takes over a 3D SimpleITK image; its (k, j, i) array is viewed as [i, j, k]."""
        return cls(sitk.GetArrayFromImage(image).transpose(2, 1, 0), Grid.of_sitk(image))

    def to_sitk(self) -> sitk.Image:
        array = self.array.astype(np.uint8) if self.array.dtype == bool else self.array
        image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
        self.grid.stamp_on(image)
        return image

    def part(self, ranges: tuple[slice, slice, slice]) -> Volume:
        """The voxels of these index ranges, on their own grid."""
        array = self.array[ranges]
        return Volume(array, self.grid.cropped([r.start for r in ranges], array.shape))

    def resampled(self, grid: Grid, *, outside: float = AIR_HU) -> Volume:
        """Values on another grid: linear between voxels, averaged first where the new grid is coarser.

        Returns float32; voxels of the new grid that lie outside this one get the value `outside`.
        """
        source = self.part(self.grid.part_under(grid, margin=SMOOTHING_MARGIN))
        weights = parallel_weights(source.grid, grid)
        if weights is not None:
            return Volume(applied(source.array, weights, outside), grid)
        cosines = np.abs((source.grid.affine[:3, :3] / source.grid.spacing).T @ (grid.affine[:3, :3] / grid.spacing))
        averaged = source.averaged(grid.spacing[cosines.argmax(axis=1)])
        return Volume.from_sitk(_resample(averaged.to_sitk(), grid, sitk.sitkLinear, outside))

    def averaged(self, spacing_mm: np.ndarray) -> Volume:
        """Values averaged over larger voxels, (3,) mm along its axes, so that noise and edges do not alias; float32."""
        return Volume(applied(self.array, averaging_weights(self.grid, spacing_mm), AIR_HU), self.grid)

    def resampled_labels(self, grid: Grid) -> Volume:
        """Labels of the nearest voxels on another grid; 0 outside."""
        source = self.part(self.grid.part_under(grid, margin=1))
        return Volume.from_sitk(_resample(source.to_sitk(), grid, sitk.sitkNearestNeighbor, 0))


def _resample(image: sitk.Image, grid: Grid, interpolator: int, outside: float) -> sitk.Image:
    reference = sitk.Image(grid.size, sitk.sitkUInt8)
    grid.stamp_on(reference)
    return sitk.Resample(image, reference, sitk.Transform(), interpolator, outside)
