"""Muscle and fat behind the spine, which every scan of a body shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.peaks import peaks
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.volume import AIR_HU, Volume

# Where the erector muscles lie: mm beside, in front of and above the middle of a body, in patient coordinates.
BESIDE_MM, FRONT_MM, ABOVE_MM = (20.0, 60.0), (-65.0, -20.0), 12.0
BLUR_MM = 3.0  # over which HU are averaged before their peaks are looked for: noise is, layers of fat are not
MOST_NOISE_HU = 15.0  # SD of those averages: where it is more, they go on along the spine, as muscle and fat do
LEAST_MM3 = 12_000.0  # a seventh of that place
LOW_HU, HIGH_HU, BIN_HU, SMOOTH_BINS = -300.0, 300.0, 4.0, 2.0
LEAST_PEAK = 0.02  # of the highest: how far a peak stands out


@dataclass(frozen=True, eq=False)
class Behind:
    """What lies beside the arches of one vertebra.

    Args:
        part: HU.
        smooth: (I, J, K) HU, averaged over some millimetres, and farther along the spine where they are noisy.
        inside: (I, J, K) bool, within that place and within the field of view.
    """

    part: Volume
    smooth: np.ndarray
    inside: np.ndarray


def behind(whole: Volume, region: Region) -> Behind | None:
    """The place behind a body; None where the scan shows too little of it.

    Args:
        whole: HU, all of the scan.
    """
    far, (back, front) = BESIDE_MM[1], FRONT_MM
    # In front there is room for what is averaged: the other ends are those of muscle and fat, or of the slices.
    corners = np.array(np.meshgrid((-far, far), (back, front + BLUR_MM), (-ABOVE_MM, ABOVE_MM))).reshape(3, -1).T
    index = whole.grid.index_of(region.centre_ras + corners)
    last = np.array(whole.grid.size) - 1
    first = np.clip(np.floor(index.min(axis=0)), 0, last).astype(int)
    stop = np.clip(np.ceil(index.max(axis=0)), first, last).astype(int) + 1
    part = whole.part((slice(first[0], stop[0]), slice(first[1], stop[1]), slice(first[2], stop[2])))
    hu = part.array.astype(np.float32)
    right, ahead, up = Region(region.centre_ras, np.eye(3)).local_on(part.grid)  # mm, in patient coordinates
    aside = np.abs(right)
    inside = (aside > BESIDE_MM[0]) & (aside < far) & (ahead > back) & (ahead < front)
    inside &= (np.abs(up) < ABOVE_MM) & (hu > AIR_HU)
    if inside.sum() * part.grid.voxel_volume < LEAST_MM3:
        return None
    return Behind(part, _averaged(hu, inside, part.grid), inside)


def _averaged(hu: np.ndarray, inside: np.ndarray, grid: Grid) -> np.ndarray:
    """(I, J, K) HU over some millimetres, and along the spine as far as their noise asks for."""
    voxels = np.maximum(1, np.round(BLUR_MM / grid.spacing)).astype(int)
    smooth: np.ndarray = ndimage.uniform_filter(hu, voxels)
    up = grid.axis_towards(2)
    farther = (_noise_hu(smooth, inside, up, voxels[up]) / MOST_NOISE_HU) ** 2
    if farther <= 1:
        return smooth
    voxels[up] = np.ceil(min(farther * voxels[up], 2 * ABOVE_MM / grid.spacing[up]))
    return np.asarray(ndimage.uniform_filter(hu, voxels))


def _noise_hu(smooth: np.ndarray, inside: np.ndarray, up: int, voxels: int) -> float:
    """SD of averages over so many voxels: from one to the next along the spine the tissue is mostly the same."""
    smooth, inside = np.moveaxis(smooth, up, 0), np.moveaxis(inside, up, 0)
    both = inside[voxels:] & inside[:-voxels]
    if not both.any():
        return 0.0
    return float(1.4826 * np.median(np.abs((smooth[voxels:] - smooth[:-voxels])[both])) / np.sqrt(2))


@dataclass(frozen=True)
class Peaks:
    """Where HU heap up.

    Args:
        hu: from the lowest to the highest.
        tallest: the most frequent one; None where there is no peak.
        share: of all values that lie between -300 and 300 HU.
    """

    hu: tuple[float, ...]
    tallest: float | None
    share: float


def peaks_of(places: Iterable[Behind]) -> Peaks:
    """Of the averages of several places."""
    values = np.concatenate([place.smooth[place.inside] for place in places])
    shown = values[(values >= LOW_HU) & (values < HIGH_HU)]
    counts = np.bincount(((shown - LOW_HU) / BIN_HU).astype(np.uint8), minlength=int((HIGH_HU - LOW_HU) / BIN_HU))
    smooth = ndimage.gaussian_filter1d(counts.astype(float), SMOOTH_BINS)
    found = peaks(smooth, LEAST_PEAK * max(smooth.max(), 1.0))
    hu = tuple(float(LOW_HU + (n + 0.5) * BIN_HU) for n in found)
    tallest = hu[int(smooth[found].argmax())] if hu else None
    return Peaks(hu, tallest, float(counts.sum() / len(values)))
