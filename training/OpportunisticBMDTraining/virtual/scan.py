"""The scanner: point spread, correlated noise, cupping, calibration error, table, circle of reconstruction."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from OpportunisticBMDTraining.virtual.canvas import Canvas, coverage
from OpportunisticBMDTraining.virtual.parameters import ScanParameters
from OpportunisticBMDTraining.virtual.slices import Slices, plane_heights
from OpportunisticBMDTraining.virtual.streaks import Streaks

LEAST_HU, MOST_HU = -1024, 3071
NOISE_FIELDS = 12
EDGE_MM = 1.0  # SD of the blur that an edge-enhancing kernel subtracts


def lattice(scan: ScanParameters) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voxel centres along right and front, and heights of the planes to paint, mm."""
    n = round(scan.field_of_view / scan.pixel)
    across = (np.arange(n) - (n - 1) / 2) * scan.pixel
    return across + scan.centre[0], across + scan.centre[1], plane_heights(scan)


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


def noise_power(shape: tuple[int, int], pixel: float, sigma: float, edge: float = 0.0) -> np.ndarray:
    """Noise power over frequency (rfft2 layout): a ramp, as filtered back-projection leaves it, times the MTF squared.

    Args:
        pixel: mm.
        sigma: of the kernel's Gaussian point spread, mm.
        edge: how far the kernel overshoots at edges.
    """
    fx, fy = np.fft.fftfreq(shape[0], pixel)[:, None], np.fft.rfftfreq(shape[1], pixel)[None, :]
    f = np.hypot(fx, fy)
    power = (f + 0.02) * np.exp(-((2 * np.pi * sigma * f) ** 2))
    return power * (1 + edge * (1 - np.exp(-2 * (np.pi * EDGE_MM * f) ** 2))) ** 2 if edge else power


def noise_fields(n: int, scan: ScanParameters, rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, n, n) float32 periodic noise of SD 1 with the kernel's correlation."""
    gain = np.sqrt(noise_power((n, n), scan.pixel, scan.kernel_sigma, scan.edge)).astype(np.float32)
    white = rng.standard_normal((count, n, n), dtype=np.float32)
    fields = np.stack([np.fft.irfft2(np.fft.rfft2(w) * gain, s=(n, n)) for w in white])
    return (fields / fields.std()).astype(np.float32)


def acquire(
    hu: np.ndarray, scan: ScanParameters, seed: int, slices: Slices | None = None, *, metal: bool = False
) -> np.ndarray:
    """int16 HU as the scanner stores them, from the painted HU (float32).

    Args:
        slices: how slices are made of the painted planes; None where each plane is a slice.
        metal: whether what is brighter than any bone throws streaks.
    """
    rng = np.random.default_rng([seed, 2])
    n = hu.shape[0]
    axis = (np.arange(n) - (n - 1) / 2) / (n / 2)
    r2 = (axis[:, None] ** 2 + axis[None, :] ** 2).astype(np.float32)
    loud = np.float32(scan.noise_hu) * (1.08 - 0.45 * np.minimum(r2, 1))
    cupping = np.float32(scan.cupping_hu) * (1 - np.exp(-5 * r2)) + np.float32(scan.offset)
    fields, outside = noise_fields(n, scan, rng, NOISE_FIELDS), r2 > (1 if scan.circle else np.inf)
    count, shared = (hu.shape[2], 0.0) if slices is None else (len(slices.up), _overlap(scan))
    result = np.empty((count, n, n), np.int16).transpose(2, 1, 0)
    streaks = Streaks.draw(scan, (n, n), np.random.default_rng([seed, 5])) if metal else None
    noise = np.zeros((n, n), np.float32)
    for k in range(count):
        image = _blurred(hu[:, :, k] if slices is None else slices.image(hu, k), scan)
        if streaks is not None:
            streaks.add(image)
        tissue = np.clip((image + 900) * np.float32(1 / 500), 0, 1)
        fresh = _shuffled(fields, rng)
        noise = shared * noise + np.sqrt(1 - shared**2) * fresh if shared and k else fresh
        image = image * np.float32(scan.slope) + cupping * tissue + noise * loud
        image = np.clip(np.rint(image), LEAST_HU, MOST_HU)
        image[outside] = scan.padding_hu
        result[:, :, k] = image
    return result


def _blurred(image: np.ndarray, scan: ScanParameters) -> np.ndarray:
    """An image behind the kernel: a Gaussian, and what an edge-enhancing one adds."""
    image = ndimage.gaussian_filter(image, scan.kernel_sigma / scan.pixel, truncate=3.0)
    if scan.edge:
        image += np.float32(scan.edge) * (image - ndimage.gaussian_filter(image, EDGE_MM / scan.pixel, truncate=3.0))
    return image


def _overlap(scan: ScanParameters) -> np.float32:
    """Correlation of the noise of neighbouring slices."""
    return np.float32(max(1 - (scan.increment or scan.slice_thickness) / scan.slice_thickness, 0))


def _shuffled(fields: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One of the fields, rolled, mirrored and negated at random: as good as new at a fraction of the cost."""
    which, shift, along = rng.integers(len(fields)), rng.integers(0, fields.shape[1], 2), rng.integers(0, 2, 4)
    field = np.roll(fields[which], tuple(shift), axis=(0, 1))
    field = field[:: 1 - 2 * along[0], :: 1 - 2 * along[1]]
    field = field.T if along[2] else field
    return -field if along[3] else field
