"""Voxels that are not what a scanner measured: shifted, scaled, lost, or on a grid that is not theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.virtual.faults.fault import Fault, Random, one_of

UNSCALED_HU = 1024  # what stored values of most scanners lie above HU
AIR_HU = -1000


def _with_hu(ct: CT, hu: np.ndarray) -> CT:
    array = np.clip(np.rint(hu), *np.array([np.iinfo(np.int16).min, np.iinfo(np.int16).max])).astype(np.int16)
    return replace(ct, volume=Volume(array, ct.volume.grid))


def _unscaled(rng: Random, ct: CT) -> tuple[CT, str]:
    return _with_hu(ct, ct.volume.array.astype(np.float32) + UNSCALED_HU), f"all HU {UNSCALED_HU} too high"


def _shifted(rng: Random, ct: CT) -> tuple[CT, str]:
    by = float(rng.uniform(25, 120)) * one_of(rng, -1, 1)
    return _with_hu(ct, ct.volume.array.astype(np.float32) + np.float32(by)), f"all HU {by:+.0f}"


def _scaled(rng: Random, ct: CT) -> tuple[CT, str]:
    """About water, as a wrong slope from stored values to HU does it."""
    by = float(one_of(rng, rng.uniform(0.7, 0.88), rng.uniform(1.12, 1.3)))
    return _with_hu(ct, ct.volume.array.astype(np.float32) * np.float32(by)), f"all HU x {by:.2f}"


def _damaged(rng: Random, ct: CT) -> tuple[CT, str]:
    """Slices in the middle third that were filled, or lone voxels that flipped, all over it."""
    array, up = ct.volume.array.copy(order="A"), ct.volume.grid.axis_towards(2)
    third = array.shape[up] // 3
    if rng.random() < 0.5:
        lost = rng.choice(np.arange(third, 2 * third), max(third // 5, 1), replace=False)
        array[(slice(None),) * up + (lost,)] = one_of(rng, 0, AIR_HU)
        return replace(ct, volume=Volume(array, ct.volume.grid)), f"{len(lost)} slices filled"
    share = float(rng.uniform(0.002, 0.01))
    where = rng.random(array.shape, dtype=np.float32) < share
    array[where] = 3071
    return replace(ct, volume=Volume(array, ct.volume.grid)), f"{share:.1%} of the voxels flipped"


def _regridded(change: Callable[[Random], tuple[np.ndarray, str]]) -> Callable[[Random, CT], tuple[CT, str]]:
    """The same voxels with a wrong grid: axes in RAS multiplied by a matrix about the middle."""

    def planted(rng: Random, ct: CT) -> tuple[CT, str]:
        matrix, words = change(rng)
        grid = ct.volume.grid
        middle = grid.bounds_ras.mean(axis=1)
        affine = grid.affine.copy()
        affine[:3, :3] = matrix @ affine[:3, :3]
        affine[:3, 3] = matrix @ (affine[:3, 3] - middle) + middle
        return replace(ct, volume=Volume(ct.volume.array, Grid(grid.size, affine))), words

    return planted


def _turned(rng: Random) -> tuple[np.ndarray, str]:
    which = one_of(rng, 1, 2)
    signs = np.ones(3)
    signs[which] = -1
    return np.diag(signs), f"{('', 'front and back', 'head and foot')[which]} exchanged"


def _resized(rng: Random) -> tuple[np.ndarray, str]:
    by = float(one_of(rng, rng.uniform(0.55, 0.75), rng.uniform(1.35, 1.7)))
    return np.diag([by, by, by]), f"all distances x {by:.2f}"


def _stretched(rng: Random) -> tuple[np.ndarray, str]:
    by = float(one_of(rng, 0.5, 0.625, 1.6, 2.0))
    return np.diag([1.0, 1.0, by]), f"slices {by:g} times as far apart as they are"


def _tilted(rng: Random, ct: CT) -> tuple[CT, str]:
    """Slices of a tilted gantry, stacked upright as if it was not: each row lies higher or lower than it should."""
    angle = float(rng.uniform(8, 22)) * one_of(rng, -1, 1)
    grid, array = ct.volume.grid, ct.volume.array
    rise = np.tan(np.deg2rad(angle)) * grid.spacing[1] * (np.arange(array.shape[1]) - array.shape[1] / 2)
    places = np.arange(array.shape[2]) + rise[:, None] / grid.spacing[2]
    low = np.clip(places.astype(int), 0, array.shape[2] - 2)
    part = np.clip(places - low, 0, 1).astype(np.float32)
    hu = np.empty_like(array)
    for j in range(array.shape[1]):
        below, above = array[:, j, low[j]], array[:, j, low[j] + 1]
        hu[:, j] = np.rint(below + part[j] * (above.astype(np.float32) - below))
    return replace(ct, volume=Volume(hu, grid)), f"gantry tilted by {angle:+.0f} degrees, slices stacked upright"


NOWHERE = ("vertebrae_not_found", "not_a_trunk", "box_leaves_scan")
UNSCALED = Fault("rescaling forgotten", "unusual_hu", ("vertebrae_not_found", "not_a_trunk"), scan=_unscaled)
SHIFTED = Fault("HU shifted by 25 to 120", "unusual_hu", ("below_zero", "vertebrae_not_found"), scan=_shifted)
SCALED = Fault("HU scaled by 12 to 30 %", "line_doubted", ("unusual_hu", "vertebrae_not_found"), scan=_scaled)
DAMAGED = Fault(
    "damaged voxels", "damaged_voxels", ("not_in_body", "region_left_out", "not_found", *NOWHERE), scan=_damaged
)
TURNED = Fault("orientation wrong", "orientation_contradicted", NOWHERE, scan=_regridded(_turned))
RESIZED = Fault("all distances wrong", "unusual_size", (*NOWHERE, "unusual_spacing"), scan=_regridded(_resized))
STRETCHED = Fault(
    "distance of slices wrong", "unusual_spacing", (*NOWHERE, "unusual_size", "too_flat"), scan=_regridded(_stretched)
)
TILTED = Fault("gantry tilt, unstated", "gantry_tilt", ("orientation_contradicted",), scan=_tilted)
