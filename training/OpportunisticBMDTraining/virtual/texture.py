"""How the density varies inside cancellous bone: trabecular grain, patches, denser bone at the endplates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDTraining.virtual.canvas import Canvas
from OpportunisticBMDTraining.virtual.parameters import VertebraParameters

GRAIN_MM, PATCH_MM, SCLEROSIS_MM = 0.9, 4.5, 2.5


@dataclass(frozen=True, eq=False)
class Texture:
    """Draws the variation of density in one patient's bodies.

    Args:
        rng: source of the random numbers, consumed in the order of the vertebrae.
        grain, patch: SD of the fine and the coarse variation relative to the mean density.
        ends: how much denser the bone is at the endplates, as a fraction.
        vessel: how much emptier it is around the basivertebral vein.
    """

    rng: np.random.Generator
    grain: float = 0.25
    patch: float = 0.11
    ends: float = 0.35
    vessel: float = 0.45

    def density(
        self, canvas: Canvas, box: Ranges, local: tuple, inner: np.ndarray, end: np.ndarray, shape: VertebraParameters
    ) -> np.ndarray:
        """Density in mg HA/cm3 over a box; its mean is set by the caller."""
        size = inner.shape
        fine = self._field(size, GRAIN_MM, canvas.spacing)
        coarse = self._field(size, PATCH_MM, canvas.spacing)
        ends = np.exp(np.minimum(end, 0) / 3.0)
        vessel = np.exp(-((local[0] / 3.5) ** 2) - ((local[1] + shape.depth * 0.34) / 6) ** 2 - (local[2] / 2.2) ** 2)
        relative = self.grain * fine + self.patch * coarse + self.ends * ends - self.vessel * vessel
        if any(shape.sclerosis):
            above, below = (np.float32(s) for s in shape.sclerosis)
            relative += np.where(local[2] > 0, above, below) * np.exp(np.minimum(end, 0) * np.float32(1 / SCLEROSIS_MM))
        return (np.float32(shape.density + 15) * relative).astype(np.float32)

    def bone_grain(self, edge: int = 64) -> np.ndarray:
        """(edge, edge, edge) periodic factors around 1 by which the other bones' brightness varies."""
        field = self.rng.standard_normal((edge, edge, edge), dtype=np.float32)
        smooth = ndimage.gaussian_filter(field, 1.3, mode="wrap")
        patches = ndimage.gaussian_filter(field, 5.0, mode="wrap")
        return np.clip(1 + 0.07 * smooth / smooth.std() + 0.09 * patches / patches.std(), 0.4, 1.6)

    def _field(self, size: tuple, sigma_mm: float, spacing: tuple) -> np.ndarray:
        field = self.rng.standard_normal(size, dtype=np.float32)
        field = ndimage.gaussian_filter(field, [sigma_mm / s for s in spacing], mode="wrap", truncate=2.5)
        return field / max(float(field.std()), 1e-6)
