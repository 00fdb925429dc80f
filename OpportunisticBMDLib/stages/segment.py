"""From a CT and the box to the cancellous bone of T12, L1 and L2: 3D AnatomyNet on a crop around the box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.inference.finite import finite
from OpportunisticBMDLib.inference.network import Network
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.stages.body_frame import LEAST_VOLUME_MM3

# Voxels by which the crop is moved along each axis, and whether its mirror is seen: edges fall between voxels twice.
LOOKS = ((0.25, False), (-0.25, True))


def segmentation_input(crop: Volume, height_mm: np.ndarray, window: Mapping[str, float]) -> np.ndarray:
    """(2, I, J, K) float32: the windowed CT in 0..1, and the height in the box (-1 its lower, 1 its upper edge).

    Neighbouring vertebrae look alike to a network that is down-sampled once; the height tells them apart.

    Args:
        crop: HU, axes to the right, front and head.
        height_mm: (2,) superior coordinate of the box's lower and upper edge.
    """
    low, high = window["low_hu"], window["high_hu"]
    grey = np.clip((crop.array - low) / (high - low), 0, 1)
    superior = crop.grid.affine[2, 3] + crop.grid.affine[2, 2] * np.arange(crop.grid.size[2])
    relative = np.clip((superior - np.mean(height_mm)) / (np.ptp(height_mm) / 2), -2, 2)
    return np.stack((grey, np.broadcast_to(relative, grey.shape))).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Segmenter:
    """Labels every voxel of the crop, brings the probabilities onto the CT's own grid, and cleans up.

    The network looks twice, at a crop a little to one side and at the mirror of one a little to the other.
    """

    network: Network
    card: ModelCard

    def __call__(self, ct: Volume, box: Box) -> Segmentation:
        ranges = ct.grid.part_under(self._crop(box))
        region = ct.part(ranges).grid
        # Classes are compared after interpolation: the edge is then as smooth as the finer of the two grids.
        fine = np.mean([self._seen(ct, box, region, *look) for look in LOOKS], axis=0)
        labels = _one_body_each(fine.argmax(axis=0).astype(np.uint8), region)
        confidence = {n: float(fine[v][labels == v].mean()) for n, v in LABELS.items() if (labels == v).any()}
        whole = np.zeros(ct.grid.size, np.uint8)
        whole[ranges] = labels
        return Segmentation(Volume(whole, ct.grid), confidence)

    def _crop(self, box: Box, shift: float = 0.0) -> Grid:
        """The network's grid, `shift` voxels from the middle of the box along each axis."""
        spacing = np.asarray(self.card.grid["spacing_mm"])
        return Grid.axis_aligned(self.card.grid["size"], spacing, box.centre_ras + shift * spacing)

    def _seen(self, ct: Volume, box: Box, region: Grid, shift: float, mirrored: bool) -> np.ndarray:
        """(4, ...) probabilities on a grid of the CT's."""
        crop = self._crop(box, shift)
        probabilities = self._probabilities(ct.resampled(crop), box, mirrored)
        return np.stack([Volume(p, crop).resampled(region, outside=0).array for p in probabilities])

    def _probabilities(self, crop: Volume, box: Box, mirrored: bool) -> np.ndarray:
        """(4, I, J, K) on the crop's grid, of the crop or of its mirror."""
        image = segmentation_input(crop, box.ras_mm[2], self.card.window)
        found = finite(self.network(_mirror(image)[None] if mirrored else image[None])[0], self.card)
        return _mirror(found) if mirrored else found


def _mirror(channels: np.ndarray) -> np.ndarray:
    """(C, I, J, K) with right and left exchanged."""
    return channels[:, ::-1]


def _one_body_each(labels: np.ndarray, grid: Grid) -> np.ndarray:
    """Keeps the largest connected body of each vertebra, without holes; drops specks that are no vertebra."""
    clean = np.zeros_like(labels)
    for label in LABELS.values():
        mask = sitk.GetImageFromArray((labels == label).astype(np.uint8))
        parts = sitk.RelabelComponent(sitk.ConnectedComponent(mask), sortByObjectSize=True)
        body = sitk.GetArrayFromImage(sitk.BinaryFillhole(parts == 1)).astype(bool)
        if body.sum() * grid.voxel_volume >= LEAST_VOLUME_MM3:
            clean[body] = label
    return clean
