"""The same CT as another scan would show it: in thick slices, with noise, with another kernel, in a small field."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume

SLICES_MM = (5.0, 8.0)
NOISE_HU = 30.0  # SD
FIELD_MM = 250.0
SOFT_MM = 0.8  # SD of the blur in the plane of the slices that a soft kernel adds
EDGE_MM, EDGE = 1.0, 1.0  # a sharp kernel adds this share of what such a blur takes away
SUPERIOR = 2

Variant = Callable[[Volume, np.ndarray], Volume]  # (CT, centre of the spine in RAS mm) -> CT


def native(ct: Volume, centre_ras: np.ndarray) -> Volume:
    """As it is."""
    return ct


def in_thick_slices(ct: Volume, centre_ras: np.ndarray, thickness_mm: float = SLICES_MM[0]) -> Volume:
    """Averaged over slices of this thickness; what is left above the last whole one is left out."""
    axis = ct.grid.axis_towards(SUPERIOR)
    return Volume(_averaged(ct.array, axis, thickness_mm / ct.grid.spacing[axis]), thick_grid(ct.grid, thickness_mm))


def thick_grid(grid: Grid, thickness_mm: float = SLICES_MM[0]) -> Grid:
    """The same lattice in thicker slices across the axis towards the head, beginning at the same outer face."""
    axis = grid.axis_towards(SUPERIOR)
    ratio = thickness_mm / grid.spacing[axis]
    size, first = list(grid.size), np.zeros(3)
    size[axis] = max(1, int(grid.size[axis] / ratio + 1e-6))
    first[axis] = (ratio - 1) / 2
    affine = grid.affine.copy()
    affine[:3, 3] = grid.ras_of(first)
    affine[:3, axis] *= ratio
    return Grid((size[0], size[1], size[2]), affine)


def _averaged(array: np.ndarray, axis: int, ratio: float) -> np.ndarray:
    """(…) float32: means over `ratio` slices each, of which the first and the last may count in part."""
    slices = np.moveaxis(array.astype(np.float32), axis, 0)
    count = max(1, int(len(slices) / ratio + 1e-6))
    ends = np.minimum(np.arange(count + 1) * ratio, len(slices))
    place = np.arange(len(slices))
    share = np.clip(np.minimum(ends[1:, None], place + 1) - np.maximum(ends[:-1, None], place), 0, 1)
    thick = np.tensordot((share / share.sum(axis=1, keepdims=True)).astype(np.float32), slices, axes=1)
    return np.moveaxis(thick, 0, axis)


def with_noise(ct: Volume, centre_ras: np.ndarray) -> Volume:
    """With white noise of `NOISE_HU`; the same noise for every CT of this size."""
    noise = np.random.default_rng(0).standard_normal(ct.array.shape, np.float32)
    return Volume(ct.array + np.float32(NOISE_HU) * noise, ct.grid)


def with_soft_kernel(ct: Volume, centre_ras: np.ndarray) -> Volume:
    """Blurred in the plane of the slices."""
    return Volume(blurred_in_plane(ct, SOFT_MM), ct.grid)


def with_sharp_kernel(ct: Volume, centre_ras: np.ndarray) -> Volume:
    """With edges, and noise, enhanced in the plane of the slices."""
    return enhanced(ct, EDGE)


def enhanced(ct: Volume, share: float) -> Volume:
    """With this share of what a blur of `EDGE_MM` takes away added."""
    hu = ct.array.astype(np.float32)
    return Volume(hu + np.float32(share) * (hu - blurred_in_plane(ct, EDGE_MM)), ct.grid)


def blurred_in_plane(ct: Volume, sd_mm: float) -> np.ndarray:
    """(I, J, K) float32: blurred in the plane of the slices, not across them."""
    sigma = sd_mm / ct.grid.spacing
    sigma[ct.grid.axis_towards(SUPERIOR)] = 0
    return ndimage.gaussian_filter(ct.array.astype(np.float32), sigma)


def in_small_field(ct: Volume, centre_ras: np.ndarray) -> Volume:
    """The voxels of a square of `FIELD_MM` around the spine in every slice, as far as the scan has them."""
    half = FIELD_MM / 2 / ct.grid.spacing
    half[ct.grid.axis_towards(SUPERIOR)] = np.inf
    index = ct.grid.index_of(centre_ras)
    last = np.array(ct.grid.size) - 1
    first = np.ceil(np.clip(index - half, 0, last)).astype(int)
    stop = np.floor(np.clip(index + half, 0, last)).astype(int) + 1
    i, j, k = (slice(int(a), int(b)) for a, b in zip(first, stop))
    return ct.part((i, j, k))


VARIANTS: dict[str, Variant] = {
    "native": native,
    **{f"{mm:.0f} mm slices": partial(in_thick_slices, thickness_mm=mm) for mm in SLICES_MM},
    f"{NOISE_HU:.0f} HU noise": with_noise,
    "sharp kernel": with_sharp_kernel,
    "soft kernel": with_soft_kernel,
    f"{FIELD_MM / 10:.0f} cm field of view": in_small_field,
}


def changes(variant: str, grid: Grid) -> bool:
    """Whether a variant differs from a CT on this grid as it is: thick slices cannot be made from such slices."""
    made = VARIANTS[variant]
    if not isinstance(made, partial):
        return True
    return grid.spacing[grid.axis_towards(SUPERIOR)] <= 0.75 * made.keywords["thickness_mm"]
