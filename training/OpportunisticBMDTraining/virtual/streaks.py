"""Bright and dark streaks that metal throws across a slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from OpportunisticBMDTraining.virtual.parameters import ScanParameters

METAL_HU = 2900.0
HARMONICS = 48
STREAK_HU, FADE_MM = 60.0, 30.0  # for 100 mm2 of metal, and over which distance they halve


@dataclass(frozen=True, eq=False)
class Streaks:
    """The pattern of one patient's metal: the same around each piece of it.

    Args:
        around: (720,) relative brightness by direction.
        x, y: (I, 1) and (1, J) coordinates in a slice, mm.
    """

    around: np.ndarray
    x: np.ndarray
    y: np.ndarray

    @classmethod
    def draw(cls, scan: ScanParameters, shape: tuple[int, int], rng: np.random.Generator) -> Streaks:
        """For slices of a shape (I, J) in the scan."""
        spectrum = np.zeros(361, complex)
        spectrum[2:HARMONICS] = rng.normal(size=HARMONICS - 2) + 1j * rng.normal(size=HARMONICS - 2)
        around = np.fft.irfft(spectrum, 720)
        x, y = (np.arange(n, dtype=np.float32) * np.float32(scan.pixel) for n in shape)
        return cls((around / around.std()).astype(np.float32), x[:, None], y[None, :])

    def add(self, image: np.ndarray) -> None:
        """Adds them to a slice (HU) around each piece of metal in it."""
        pieces, count = ndimage.label(image > METAL_HU)
        if not count:
            return
        pixel = float(self.x[1, 0] - self.x[0, 0])
        areas = np.bincount(pieces.ravel())[1:] * pixel**2
        for n in np.argsort(areas)[::-1][:4]:  # the largest few tell
            i, j = ndimage.center_of_mass(pieces == n + 1)
            dx, dy = self.x - np.float32(i * pixel), self.y - np.float32(j * pixel)
            direction = (np.arctan2(dy, dx) * np.float32(360 / np.pi)).astype(np.int32) % len(self.around)
            fade = np.float32(STREAK_HU * np.sqrt(areas[n] / 100)) / (1 + np.hypot(dx, dy) * np.float32(1 / FADE_MM))
            image += self.around[direction] * fade
