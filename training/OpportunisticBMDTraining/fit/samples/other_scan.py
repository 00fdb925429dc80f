"""The same CT as another scan would show it, drawn at random: what the DenseNet has to read through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.real_cts.variants import SUPERIOR, blurred_in_plane, enhanced, in_thick_slices

THICKEST_MM = 8.0
LOUDEST_HU = 40.0


@dataclass(frozen=True)
class OtherScan:
    """How another scan differs.

    Args:
        thickness_mm: of the slices; 0 where they stay as they are.
        first: how many of the lowest slices are left out before thicker ones are made of the rest.
        soft_mm: SD of the blur in the plane of the slices.
        edge: share of what a blur of `EDGE_MM` takes away that is added.
        noise_hu: SD of white noise.
        seed: of the noise.
    """

    thickness_mm: float = 0.0
    first: int = 0
    soft_mm: float = 0.0
    edge: float = 0.0
    noise_hu: float = 0.0
    seed: int = 0

    @classmethod
    def draw(cls, ct: Volume, rng: np.random.Generator) -> OtherScan:
        """Slices, kernel and noise apart or together."""
        own = ct.grid.spacing[ct.grid.axis_towards(SUPERIOR)]
        thickness = float(rng.uniform(max(2.0, 1.5 * own), THICKEST_MM)) if 1.5 * own < THICKEST_MM else 0.0
        is_thick, kernel = thickness > 0 and rng.random() < 0.6, rng.random()
        return cls(
            thickness_mm=thickness if is_thick else 0.0,
            first=int(rng.integers(0, max(1, int(thickness / own)))) if is_thick else 0,
            soft_mm=float(rng.uniform(0.3, 1.2)) if kernel < 0.3 else 0.0,
            edge=float(rng.uniform(0.3, 1.5)) if kernel > 0.7 else 0.0,
            noise_hu=float(rng.uniform(0, LOUDEST_HU)) if rng.random() < 0.6 else 0.0,
            seed=int(rng.integers(2**31)),
        )

    def of(self, ct: Volume) -> Volume:
        """float32 HU."""
        seen = self.without_noise(ct)
        noise = np.random.default_rng(self.seed).standard_normal(seen.array.shape, np.float32)
        return Volume(seen.array + np.float32(self.noise_hu) * noise, seen.grid)

    def without_noise(self, ct: Volume) -> Volume:
        """What is linear in the HU: the same of what was added to a CT is what it adds to the other scan."""
        axis = ct.grid.axis_towards(SUPERIOR)
        start = [self.first if a == axis and self.thickness_mm else 0 for a in range(3)]
        i, j, k = (slice(s, n) for s, n in zip(start, ct.grid.size))
        seen = ct.part((i, j, k))
        seen = Volume(seen.array.astype(np.float32), seen.grid)
        if self.soft_mm:
            seen = Volume(blurred_in_plane(seen, self.soft_mm), seen.grid)
        if self.edge:
            seen = enhanced(seen, self.edge)
        if not self.thickness_mm:
            return seen
        return in_thick_slices(seen, seen.grid.bounds_ras.mean(axis=1), self.thickness_mm)
