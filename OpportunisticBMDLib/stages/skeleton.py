"""From a CT and a point in its spine to the bones around it: bodies, discs, ribs, arches, sacrum, hips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.grid import Grid, triple
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.remembered import remembered
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.inference.finite import finite
from OpportunisticBMDLib.inference.network import Network
from OpportunisticBMDLib.models import ModelCard

OUTSIDE_HU = -1015.0  # air beside a patient is brighter than what was never scanned
BODIES_SIZE = (64, 64, 64)  # voxels that tell three bodies from what lies around them
PLACES_MM = 12.0  # between the places where they are looked at
MOST_APART_MM = (20.0, 20.0, 40.0)  # right, front and up, from the middle of all: farther ones have a look of their own
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

    def shares_in_body(self, ct: Volume, regions: Mapping[str, Region]) -> dict[str, float]:
        """Which share of each region lies in a vertebral body, as the CT shows it, 0..1.

        All are seen in one look where it holds them. It is taken at one of a few places, so that what it shows is
        known already when an edit has moved a region a little.
        """
        if not regions:
            return {}
        centres = np.array([region.centre_ras for region in regions.values()])
        middle = centres.mean(axis=0)
        if (np.abs(centres - middle) > MOST_APART_MM).any():
            return {name: self.shares_in_body(ct, {name: region})[name] for name, region in regions.items()}
        place = triple(np.rint((middle + BEHIND_MM) / PLACES_MM).astype(int).tolist())
        bodies = _bodies(ct, self, place)
        return {name: _share_within(bodies, region) for name, region in regions.items()}

    def _probabilities(self, hu: np.ndarray) -> np.ndarray:
        return finite(self.network(skeleton_input(hu, self.card.window)[None])[0], self.card)


@remembered
def _bodies(ct: Volume, finder: SkeletonFinder, place: tuple[int, int, int]) -> Volume:
    """(bool) vertebral bodies around a place, in steps of `PLACES_MM` along the patient's axes."""
    grid = Grid.axis_aligned(BODIES_SIZE, finder.card.grid["spacing_mm"], PLACES_MM * np.array(place))
    bones = finder._probabilities(ct.resampled(grid).array).argmax(axis=0)
    return Volume(bones == Bone.BODY, grid)


def _share_within(bodies: Volume, region: Region) -> float:
    index = np.rint(bodies.grid.index_of(region.points())).astype(int)
    seen = index[((index >= 0) & (index < bodies.grid.size)).all(axis=1)]
    return float(np.count_nonzero(bodies.array[tuple(seen.T)]) / len(index))
