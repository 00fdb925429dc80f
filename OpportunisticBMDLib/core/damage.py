"""Voxels that no scanner wrote: flipped bits, slices that were lost, filled, cut in half or written twice."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

SPIKE_HU = 600.0  # from the median of the neighbours: a scanner blurs whatever is as small as a voxel
SPIKE_SD = 8.0  # and at least so many SD of the noise
MOST_ALIKE = 2  # voxels of the 27 around one that stands alone; a piece of metal has more
PATCH = 3  # voxels along and across: noise does not give so many of one value
MOST_FLAT, MOST_REPEATED = 0.5, 0.3  # shares of an image: where more is so, it was drawn or scaled up like that
MOST_OF_SLICE = 0.2  # a slice with more damage than this is lost as a whole
MOST_SLICES = 0.35  # which one of three slices may be; where more seem lost, the lost ones run across them


def damaged(hu: np.ndarray) -> np.ndarray:
    """(I, J, K) bool: which voxels of a small part of a CT, HU, are no measurement.

    These are voxels unlike all of their neighbours, and slices of which much is that, of one value, or the same as in
    the slice before. What a whole image shows is how it was made, no damage.
    """
    found = _spikes(hu)
    flat = [_flat(hu, axis) for axis in range(3)]
    if any(patches.mean() > MOST_FLAT for patches in flat):
        return found
    repeated = [_repeated(hu, axis) for axis in range(3)]
    odd = [found, *flat, *(patches for patches in repeated if patches.mean() <= MOST_REPEATED)]
    found |= _lost_slices(np.logical_or.reduce(odd))
    return found


def _spikes(hu: np.ndarray) -> np.ndarray:
    """Voxels unlike all of their neighbours; there are none where all HU are alike, as in most bone."""
    if np.ptp(hu) <= SPIKE_HU:
        return np.zeros(hu.shape, bool)
    away = _from_neighbours(hu, np.ones(hu.shape, bool)).reshape(hu.shape)
    noise = 1.4826 * float(np.median(away))
    return np.asarray(away > max(SPIKE_HU, SPIKE_SD * noise))


def unlike_neighbours(hu: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(I, J, K) bool: which of some voxels stand all alone, as a flipped bit does.

    Args:
        where: (I, J, K) bool, the voxels to look at.
    """
    own, away = hu[where], _from_neighbours(hu, where)
    alike = (np.abs(_around(hu, where) - own[:, None]) < away[:, None] / 2).sum(axis=1)
    found = np.zeros(hu.shape, bool)
    found[where] = (away > SPIKE_HU) & (alike <= MOST_ALIKE)
    return found


def repaired(hu: np.ndarray, damage: np.ndarray) -> np.ndarray:
    """The same HU; damaged voxels have the median of their sound neighbours, or of all where none is near."""
    whole: np.ndarray = hu.copy()
    if damage.all() or not damage.any():
        return whole
    whole[damage] = np.median(hu[~damage])
    for index in np.argwhere(damage):
        near = tuple(slice(max(0, i - 1), i + 2) for i in index)
        sound = hu[near][~damage[near]]
        if len(sound):
            whole[tuple(index)] = np.median(sound)
    return whole


def _from_neighbours(hu: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(N,) how far those voxels are from the median of the 27 around each."""
    away: np.ndarray = np.abs(hu[where] - np.median(_around(hu, where), axis=1))
    return away


def _around(hu: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(N, 27) those voxels, each with its neighbours."""
    around: np.ndarray = sliding_window_view(np.pad(hu, 1, mode="edge"), (PATCH,) * 3)[where].reshape(-1, PATCH**3)
    return around


def _flat(hu: np.ndarray, axis: int) -> np.ndarray:
    """Patches of one value in the planes across an axis."""
    return _of_patches(_in_patches(np.maximum, hu, axis) == _in_patches(np.minimum, hu, axis), axis)


def _repeated(hu: np.ndarray, axis: int) -> np.ndarray:
    """Patches that are those of the plane before."""
    planes = np.moveaxis(hu, axis, 0)
    same = np.zeros(planes.shape, bool)
    same[1:] = planes[1:] == planes[:-1]
    return _of_patches(_in_patches(np.logical_and, np.moveaxis(same, 0, axis), axis), axis)


def _of_patches(middles: np.ndarray, axis: int) -> np.ndarray:
    """All voxels of the patches that have these middles."""
    return _in_patches(np.logical_or, middles, axis)


def _in_patches(ufunc: np.ufunc, array: np.ndarray, axis: int) -> np.ndarray:
    """(I, J, K): what a function makes of the voxels around each one in the plane across an axis."""
    for across in {0, 1, 2} - {axis}:
        before, here, after = (slice(n, n + array.shape[across]) for n in range(PATCH))
        lines = np.moveaxis(np.pad(array, [(int(a == across),) * 2 for a in range(3)], mode="edge"), across, 0)
        array = np.moveaxis(ufunc(ufunc(lines[before], lines[here]), lines[after]), 0, across)
    return array


def _lost_slices(odd: np.ndarray) -> np.ndarray:
    """Slices along any axis of which much is odd."""
    lost = np.zeros_like(odd)
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        slices = odd.mean(axis=others) > MOST_OF_SLICE
        if slices.mean() <= MOST_SLICES:
            lost |= np.expand_dims(slices, others)
    return lost
