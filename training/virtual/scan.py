"""The scanner: point spread, correlated noise, cupping, calibration error, table, circle of reconstruction."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from training.virtual.canvas import Canvas, coverage
from training.virtual.parameters import ScanParameters

PADDING_HU = -1024
NOISE_FIELDS = 12


def lattice(scan: ScanParameters) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voxel centres along right, front and head, mm."""
    n = round(scan.field_of_view / scan.pixel)
    across = (np.arange(n) - (n - 1) / 2) * scan.pixel
    slices = int((scan.top - scan.bottom) / scan.slice_thickness)
    up = scan.bottom + (np.arange(slices) + 0.5) * scan.slice_thickness
    return across + scan.centre[0], across + scan.centre[1], up


def paint_table(canvas: Canvas, back: float, sag: float, shell_hu: float) -> None:
    """A curved table, foam between two thin shells, below the back.

    Args:
        back: front coordinate (mm) of the table's top in the middle.
        sag: how fast it rises to the sides, 1/mm.
        shell_hu: HU of the upper shell.
    """
    x, y = canvas.x[:, None], canvas.y[None, :]
    top = back + np.float32(sag) * x * x
    empty = canvas.hu < -600
    bottom = top - 18 + np.float32(0.3) * (top - back)
    for middle, half, hu in ((top - 9, 9.0, -930.0), (top - 1, 1.5, shell_hu), (bottom, 0.8, -200.0)):
        share = coverage(np.abs(y - middle) - np.float32(half), canvas.spacing[0])
        share = (share * (np.abs(x) < 215))[:, :, None]
        canvas.hu[:] += np.where(empty, share * (np.float32(hu) - canvas.hu), 0)


def noise_power(shape: tuple[int, int], pixel: float, sigma: float) -> np.ndarray:
    """Noise power over frequency (rfft2 layout): a ramp, as filtered back-projection leaves it, times the MTF squared.

    Args:
        pixel: mm.
        sigma: of the kernel's Gaussian point spread, mm.
    """
    fx, fy = np.fft.fftfreq(shape[0], pixel)[:, None], np.fft.rfftfreq(shape[1], pixel)[None, :]
    f = np.hypot(fx, fy)
    return (f + 0.02) * np.exp(-((2 * np.pi * sigma * f) ** 2))


def noise_fields(n: int, scan: ScanParameters, rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, n, n) float32 periodic noise of SD 1 with the kernel's correlation."""
    gain = np.sqrt(noise_power((n, n), scan.pixel, scan.kernel_sigma)).astype(np.float32)
    white = rng.standard_normal((count, n, n), dtype=np.float32)
    fields = np.stack([np.fft.irfft2(np.fft.rfft2(w) * gain, s=(n, n)) for w in white])
    return (fields / fields.std()).astype(np.float32)


def acquire(hu: np.ndarray, scan: ScanParameters, seed: int) -> np.ndarray:
    """int16 HU as the scanner stores them, from the painted HU (float32, changed in place)."""
    rng = np.random.default_rng([seed, 2])
    n = hu.shape[0]
    axis = (np.arange(n) - (n - 1) / 2) / (n / 2)
    r2 = (axis[:, None] ** 2 + axis[None, :] ** 2).astype(np.float32)
    loud = np.float32(scan.noise_hu) * (1.08 - 0.45 * np.minimum(r2, 1))
    cupping = np.float32(scan.cupping_hu) * (np.float32(0.15) - np.exp(-5 * r2)) + np.float32(scan.offset)
    fields, outside = noise_fields(n, scan, rng, NOISE_FIELDS), r2 > 1
    result = np.empty(hu.shape[::-1], np.int16).transpose(2, 1, 0)
    for k in range(hu.shape[2]):
        image = ndimage.gaussian_filter(hu[:, :, k], scan.kernel_sigma / scan.pixel, truncate=3.0)
        tissue = np.clip((image + 900) * np.float32(1 / 500), 0, 1)
        image = image * np.float32(scan.slope) + cupping * tissue + _shuffled(fields, rng) * loud
        image[outside] = PADDING_HU
        result[:, :, k] = np.clip(np.rint(image), PADDING_HU, 3071)
    return result


def _shuffled(fields: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One of the fields, rolled, mirrored and negated at random: as good as new at a fraction of the cost."""
    which, shift, along = rng.integers(len(fields)), rng.integers(0, fields.shape[1], 2), rng.integers(0, 2, 4)
    field = np.roll(fields[which], tuple(shift), axis=(0, 1))
    field = field[:: 1 - 2 * along[0], :: 1 - 2 * along[1]]
    field = field.T if along[2] else field
    return -field if along[3] else field
