"""From a CT and a point in its spine to the bones around it: bodies, discs, ribs, arches, sacrum, hips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.inference.finite import finite
from OpportunisticBMDLib.inference.network import Network
from OpportunisticBMDLib.models import ModelCard

OUTSIDE_HU = -1015.0  # air beside a patient is brighter than what was never scanned
BODY_SIZE = (64, 64, 48)  # voxels that tell a body from what lies around it
BEHIND_MM = np.array([0.0, -12.0, 0.0])  # of a body's middle: the middle of a whole vertebra


def skeleton_input(hu: np.ndarray, window: Mapping[str, float]) -> np.ndarray:
    """(1, I, J, K) float32: the windowed CT in 0..1.

    Args:
        hu: (I, J, K), axes to the right, front and head.
    """
    low, high = window["low_hu"], window["high_hu"]
    return np.clip((hu - low) / (high - low), 0, 1).astype(np.float32)[None]


@dataclass(frozen=True, eq=False)
class Skeleton:
    """How probable each bone is in each voxel around the spine.

    Args:
        probabilities: (classes, I, J, K) float32, by `Bone`; 0 outside the scan.
        grid: axes to the right, front and head.
        shown: (I, J, K) bool: within the scan and its circle of reconstruction.
        scan_mm: (2,) superior coordinates of the lower and the upper end of the scan.
    """

    probabilities: np.ndarray
    grid: Grid
    shown: np.ndarray
    scan_mm: tuple[float, float]


@dataclass(frozen=True, eq=False)
class SkeletonFinder:
    """Names the bones around the spine on a coarse grid."""

    network: Network
    card: ModelCard

    def __call__(self, ct: Volume, centre_ras: np.ndarray) -> Skeleton:
        """Looks around a point in or near the body of L1, in RAS mm."""
        crop = Grid.axis_aligned(self.card.grid["size"], self.card.grid["spacing_mm"], centre_ras)
        hu = ct.resampled(crop).array
        low, high = ct.grid.bounds_ras[2].tolist()
        return Skeleton(self._probabilities(hu), crop, hu > OUTSIDE_HU, (low, high))

    def share_in_body(self, ct: Volume, region: Region) -> float:
        """Which share of a region lies in a vertebral body, as the CT shows it, 0..1."""
        around = Grid.axis_aligned(BODY_SIZE, self.card.grid["spacing_mm"], region.centre_ras + BEHIND_MM)
        bones = self._probabilities(ct.resampled(around).array).argmax(axis=0)
        index = np.rint(around.index_of(region.points())).astype(int)
        return float((bones[tuple(index.T)] == Bone.BODY).mean())

    def _probabilities(self, hu: np.ndarray) -> np.ndarray:
        return finite(self.network(skeleton_input(hu, self.card.window)[None])[0], self.card)
