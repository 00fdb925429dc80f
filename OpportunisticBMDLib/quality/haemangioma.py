"""Few but thick trabeculae that stand upright in fat: a haemangioma, which reads less than the bone around it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.body import Body
from OpportunisticBMDLib.quality.registry import SeenRegion, of_regions

STEP_MM = 0.5, 0.5, 0.75
COLUMN_MM = 0.5, 2.5  # SD of the finest and the coarsest that is taken for a column
LEAST_COLUMNS_HU = 25.0  # SD between columns and what is between them
LEAST_ALIKE = 0.7  # correlation of the upper and the lower half of the region: columns go on, noise does not


@of_regions.check(ReasonCode.HAEMANGIOMA)
def haemangioma(seen: SeenRegion) -> Iterator[Reason]:
    if seen.body is None or not seen.body.middle.any():
        return
    contrast, alike = columns(seen.body)
    if contrast > LEAST_COLUMNS_HU and alike > LEAST_ALIKE:
        message = (
            f"{seen.vertebra} has few but thick upright trabeculae, as in a haemangioma, so its density is not used."
        )
        yield Reason(ReasonCode.HAEMANGIOMA, "warning", message, seen.vertebra, Figure(contrast, LEAST_COLUMNS_HU))


def columns(body: Body) -> tuple[float, float]:
    """By how much upright columns stand out, HU, and how alike the upper and the lower half are, -1..1."""
    hu = body.along_axes(STEP_MM).array
    right, front = (np.linspace(-1, 1, n) for n in hu.shape[:2])
    inside = np.hypot(right[:, None], front[None, :]) <= 1
    half = hu.shape[2] // 2
    lower, upper = (_band(part.mean(axis=2))[inside] for part in (hu[..., :half], hu[..., -half:]))
    (first, shared), (_, second) = np.cov(lower, upper)
    if shared <= 0:
        return 0.0, 0.0
    return float(np.sqrt(shared)), float(shared / np.sqrt(first * second))


def _band(image: np.ndarray) -> np.ndarray:
    fine, coarse = (ndimage.gaussian_filter(image, sd / STEP_MM[0]) for sd in COLUMN_MM)
    band: np.ndarray = fine - coarse
    return band
