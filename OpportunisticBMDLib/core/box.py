"""The box around T12 to L2 as the masks give it: training has it never drawn twice, a result has it tight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume

MARGIN_MM = 5.0  # how far the localizer's box reaches beyond the cancellous bone, on every side


@dataclass(frozen=True, eq=False)
class Box:
    """The localizer's finding: one box around the bodies of T12, L1 and L2.

    Args:
        ras_mm: (3, 2), least and greatest right, anterior and superior coordinate in mm.
        score: 0..1.
    """

    ras_mm: np.ndarray
    score: float

    @property
    def centre_ras(self) -> np.ndarray:
        centre: np.ndarray = self.ras_mm.mean(axis=1)
        return centre


def box_ras(labels: Volume, margin_mm: float = MARGIN_MM) -> np.ndarray:
    """The localizer's box: the outer faces of all labelled voxels, plus a margin on every side.

    Returns:
        (3, 2), least and greatest right, anterior and superior coordinate in mm.

    Raises:
        ValueError: nothing is labelled.
    """
    found = extent(labels.array)
    if found is None:
        raise ValueError("there is no box around an empty label map")
    part = labels.part(found)
    centres = part.grid.ras_of(np.argwhere(part.array))
    half_voxel = np.abs(labels.grid.affine[:3, :3]).sum(axis=1) / 2
    low, high = centres.min(axis=0) - half_voxel, centres.max(axis=0) + half_voxel
    return np.stack((low - margin_mm, high + margin_mm), axis=1)


def reaches_an_end(mask: np.ndarray, grid: Grid) -> bool:
    """Whether anything of a mask lies in the highest or the lowest slice of the scan."""
    slices = np.moveaxis(mask, grid.axis_towards(2), 0)
    return bool(slices[0].any() or slices[-1].any())


def tightened(box: Box, segmentation: Segmentation) -> Box:
    """The box that the masks give, as sure as the one in which they were found.

    Where a vertebra is missing, or reaches an end of the scan, the masks do not tell the whole extent: the box stays.
    """
    labels = segmentation.labels
    found = extent(labels.array)
    held = set(np.unique(labels.array[found]).tolist()) if found else set()
    if not set(LABELS.values()) <= held or reaches_an_end(labels.array, labels.grid):
        return box
    return Box(box_ras(labels), box.score)
