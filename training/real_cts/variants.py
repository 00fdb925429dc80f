"""The same CT as another scan would show it: in thick slices, with noise, in a small field of view."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.volume import Volume

SLICE_MM = 5.0
NOISE_HU = 30.0  # SD
FIELD_MM = 250.0
SUPERIOR = 2

Variant = Callable[[Volume, np.ndarray], Volume]  # (CT, centre of the spine in RAS mm) -> CT


def native(ct: Volume, centre_ras: np.ndarray) -> Volume:
    """As it is."""
    return ct


def in_thick_slices(ct: Volume, centre_ras: np.ndarray) -> Volume:
    """Averaged over slices of `SLICE_MM`; what is left of the scan above the last whole one is left out."""
    return ct.resampled(thick_grid(ct.grid))


def thick_grid(grid: Grid) -> Grid:
    """The same lattice in slices of `SLICE_MM` across the axis towards the head, beginning at the same outer face."""
    axis = grid.axis_towards(SUPERIOR)
    ratio = SLICE_MM / grid.spacing[axis]
    size, first = list(grid.size), np.zeros(3)
    size[axis] = max(1, int(grid.size[axis] / ratio + 1e-6))
    first[axis] = (ratio - 1) / 2
    affine = grid.affine.copy()
    affine[:3, 3] = grid.ras_of(first)
    affine[:3, axis] *= ratio
    return Grid(tuple(size), affine)


def with_noise(ct: Volume, centre_ras: np.ndarray) -> Volume:
    """With white noise of `NOISE_HU`; the same noise for every CT of this size."""
    noise = np.random.default_rng(0).standard_normal(ct.array.shape, np.float32)
    return Volume(ct.array + np.float32(NOISE_HU) * noise, ct.grid)


def in_small_field(ct: Volume, centre_ras: np.ndarray) -> Volume:
    """The voxels of a square of `FIELD_MM` around the spine in every slice, as far as the scan has them."""
    half = FIELD_MM / 2 / ct.grid.spacing
    half[ct.grid.axis_towards(SUPERIOR)] = np.inf
    index = ct.grid.index_of(centre_ras)
    last = np.array(ct.grid.size) - 1
    first = np.ceil(np.clip(index - half, 0, last)).astype(int)
    stop = np.floor(np.clip(index + half, 0, last)).astype(int) + 1
    return ct.part(tuple(slice(int(a), int(b)) for a, b in zip(first, stop)))


VARIANTS: dict[str, Variant] = {
    "native": native,
    f"{SLICE_MM:.0f} mm slices": in_thick_slices,
    f"{NOISE_HU:.0f} HU noise": with_noise,
    f"{FIELD_MM / 10:.0f} cm field of view": in_small_field,
}


def changes(variant: str, grid: Grid) -> bool:
    """Whether a variant differs from a CT on this grid as it is: thick slices cannot be made from such slices."""
    is_thick = grid.spacing[grid.axis_towards(SUPERIOR)] > 0.75 * SLICE_MM
    return not (VARIANTS[variant] is in_thick_slices and is_thick)
