"""What the middle of a vertebral body reads in HU, and what is left out of it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.damage import damaged, repaired
from OpportunisticBMDLib.core.noise import median_and_sd
from OpportunisticBMDLib.core.ranges import Ranges, grown
from OpportunisticBMDLib.core.reading import LUMP_MM, METAL_HU, Reading
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume

LUMP_HU = 120.0  # from the region's median: sclerosis, a bone island or cement above it; a cyst, gas or fat below
LUMP_SD = 4.0  # and at least so many SD of the rest
MOST_LUMP_HU = 200.0  # whatever the SD: a lesion of much of the region raises it, and would hide itself
DAMAGE_VOXELS = 2  # around a region, in which damaged voxels would move what is read: by the blur that is taken off


def read_region(ct: Volume, labels: Volume, vertebra: str, region: Region) -> Reading:
    """Mean and SD of the HU in a vertebra's region.

    Left out is what its mask does not hold (a person may erase a lesion), metal, voxels that are no measurement (see
    `core.damage`), and lumps that are far denser or less dense than the rest: sclerosis, bone islands, cysts, gas. They
    are told by their distance from the median, so that mineral added to all of the bone changes nothing but the mean.

    A voxel is a mean over its slice, and counts by its share: both blur the slab's ends along the slices, by a variance
    of t²/12 each, t being their distance. To second order this adds t²/12 x the second derivative to the mean. It is
    taken off, so that 5 and 8 mm slices read what thin ones do.

    Args:
        ct: HU.
        labels: on the same grid.
    """
    ranges, shares = region.shares(ct.grid)
    within = float(shares.sum(dtype=float))
    covered = within * ct.grid.voxel_volume / region.volume_mm3
    if not within:
        return Reading(region, np.nan, np.nan, 0.0, 0.0, {})
    inside = labels.array[ranges] == LABELS[vertebra]
    ct, ranges = _around(ct, ranges)
    ct, damage = _repaired(ct, ranges)
    hu = ct.array[ranges].astype(np.float32)
    left_out, kept, lost = {}, shares, 0
    for cause, is_left_out in _left_out(ct, inside, ranges, shares, damage).items():
        left_out[cause] = float(kept[is_left_out].sum(dtype=float) / within)
        if cause == "damaged":
            lost = int(np.count_nonzero(kept[is_left_out]))
        kept = np.where(is_left_out, 0, kept)
    voxels = float(kept.sum(dtype=float))
    if not voxels:
        return Reading(region, np.nan, np.nan, 0.0, covered, left_out, lost)
    mean = float((kept * (hu - _blur_of_slices(ct, ranges))).sum(dtype=float) / voxels)
    sd = float(np.sqrt(max((kept * hu**2).sum(dtype=float) / voxels - ((kept * hu).sum(dtype=float) / voxels) ** 2, 0)))
    return Reading(region, mean, sd, voxels, min(covered, 1.0), left_out, lost)


def _around(ct: Volume, ranges: Ranges) -> tuple[Volume, Ranges]:
    """What is looked at of the CT, and the ranges in it."""
    wide = grown(ranges, ct.grid.size, np.maximum(DAMAGE_VOXELS, _lump_voxels(ct)))
    return ct.part(wide), _within(ranges, wide)


def _repaired(ct: Volume, ranges: Ranges) -> tuple[Volume, np.ndarray]:
    """The CT without damage in and around the ranges, and which voxels of the ranges were damaged."""
    wide = grown(ranges, ct.grid.size, DAMAGE_VOXELS)
    around = ct.array[wide].astype(np.float32)
    damage = damaged(around)
    if damage.any():
        array = ct.array.copy()
        array[wide] = repaired(around, damage).astype(array.dtype)
        ct = Volume(array, ct.grid)
    return ct, damage[_within(ranges, wide)]


def _blur_of_slices(ct: Volume, ranges: Ranges) -> np.ndarray:
    """(I, J, K) HU in the ranges: a twelfth of the second difference between slices; at the scan's ends of one side."""
    axis = int(np.argmax(ct.grid.spacing))
    here, last = np.arange(ranges[axis].start, ranges[axis].stop), ct.grid.size[axis] - 1
    part = ct.array[tuple(slice(None) if a == axis else r for a, r in enumerate(ranges))].astype(np.float32)
    above, below = (part.take(np.clip(here + step, 0, last), axis=axis) for step in (1, -1))
    return (above + below - 2 * part.take(here, axis=axis)) / np.float32(12)


def _left_out(
    ct: Volume, inside: np.ndarray, ranges: Ranges, shares: np.ndarray, damage: np.ndarray
) -> dict[str, np.ndarray]:
    """Cause -> which voxels of the ranges; the first cause of a voxel counts.

    Args:
        ct: HU, repaired.
        inside: in the mask.
        damage: what was repaired.
    """
    sigma = LUMP_MM / ct.grid.spacing
    wide = grown(ranges, ct.grid.size, _lump_voxels(ct))
    around, core = ct.array[wide].astype(np.float32), _within(ranges, wide)
    smooth = ndimage.gaussian_filter(np.clip(around, -1000, METAL_HU), sigma)[core]
    metal = _blurred(around > METAL_HU, sigma)[core] > 0.02
    read = (shares > 0.5 * shares.max()) & inside & ~metal & ~damage
    if not read.any():
        return {"not in the mask": ~inside, "metal": metal, "damaged": damage}
    median, spread = median_and_sd(smooth[read])
    limit = min(max(LUMP_HU, LUMP_SD * spread), MOST_LUMP_HU)
    return {
        "not in the mask": ~inside,
        "metal": metal,
        "damaged": damage,
        "dense": _lumps(smooth - median, limit),
        "hollow": _lumps(median - smooth, limit),
    }


def _blurred(found: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """(I, J, K) float32: how much of what is found lies around each voxel, 0..1; mostly there is none."""
    share = found.astype(np.float32)
    return ndimage.gaussian_filter(share, sigma) if found.any() else share


def _lumps(excess: np.ndarray, limit: float) -> np.ndarray:
    """What exceeds a limit, and what goes on from there as far as half of it."""
    return ndimage.binary_propagation(excess > limit, mask=excess > limit / 2)


def _lump_voxels(ct: Volume) -> np.ndarray:
    """(3,) how far around a region what lies there counts for its lumps."""
    return np.ceil(3 * LUMP_MM / ct.grid.spacing).astype(int)


def _within(ranges: Ranges, wide: Ranges) -> Ranges:
    """The same ranges in an array of the wider ones."""
    first, second, third = (slice(r.start - w.start, r.stop - w.start) for r, w in zip(ranges, wide))
    return first, second, third
