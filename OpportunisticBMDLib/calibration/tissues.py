"""What the fat under the skin and the muscles of the back show, found by where they lie to the spine.

Air is not read: scanners are set by it, so that it says nothing of bone, and beside a patient it is mixed with sheets,
foam and scatter (seven real CTs show -967 to -954 HU there). Blood is read where contrast is looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.calibration.sampled import sampled
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume

STEP_MM, SLICE_MM = 2.5, 5.0  # of what is looked at
SMOOTH_MM = 2.5  # SD, in each slice: what evens out noise and lets a centimetre of fat be seen
ASIDE_MM, FRONT_MM, BACK_MM = 160.0, 30.0, 150.0  # around the middle of the bodies
BODY_HU = -300.0  # of anything that is part of the patient
FAT_HU, MUSCLE_HU = (-150.0, -60.0), (0.0, 100.0)
# Beside the spine and behind the bodies' middle: where the erectors are, in front of nothing but fat and skin.
MUSCLE_ASIDE_MM, MUSCLE_BACK_MM = (12.0, 55.0), (25.0, 75.0)
EDGE_MM = 5.0  # what is nearer to another tissue is mixed with it
NEAR_HU, ROUNDS = 15.0, 4  # of the most usual value: what is averaged
LEAST_CM3 = 3.0  # of a tissue


@dataclass(frozen=True)
class Tissue:
    """What a tissue shows.

    Args:
        hu: the mean around its most usual value, so that what is mixed with it does not count.
        volume_cm3: of what was read.
    """

    hu: float
    volume_cm3: float


def tissues_near(ct: Volume, bodies: Mapping[str, np.ndarray]) -> dict[str, Tissue]:
    """ "fat" and "muscle", of those of which enough is seen in the slices of the bodies.

    Args:
        ct: HU.
        bodies: vertebra -> centre of its body (RAS, mm); not empty.
    """
    middles = np.array(list(bodies.values()))
    grid = _around(ct.grid, middles)
    hu = ndimage.gaussian_filter(sampled(ct, grid).array, (SMOOTH_MM / STEP_MM, SMOOTH_MM / STEP_MM, 0))
    right, front, up = np.moveaxis(grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1)), -1, 0)
    rising = middles[np.argsort(middles[:, 2])]
    spine_right, spine_front = (np.interp(up, rising[:, 2], rising[:, n]) for n in range(2))
    aside, behind = np.abs(right - spine_right), spine_front - front
    inside = _patient(hu)
    within = {
        "fat": _deep(inside & _between(hu, FAT_HU), EDGE_MM) & (behind > 0),
        "muscle": _deep(inside & _between(hu, MUSCLE_HU), EDGE_MM)
        & _between(aside, MUSCLE_ASIDE_MM)
        & _between(behind, MUSCLE_BACK_MM),
    }
    volume = grid.voxel_volume / 1000
    found = {name: _usual(hu[where], volume) for name, where in within.items()}
    return {name: tissue for name, tissue in found.items() if tissue is not None}


def _around(scan: Grid, middles_ras: np.ndarray) -> Grid:
    right, front, _ = middles_ras.mean(axis=0)
    bottom, top = scan.bounds_ras[2]
    low, high = max(middles_ras[:, 2].min() - SLICE_MM, bottom), min(middles_ras[:, 2].max() + SLICE_MM, top)
    slices = max(round((high - low) / SLICE_MM), 1)
    size = (round(2 * ASIDE_MM / STEP_MM), round((FRONT_MM + BACK_MM) / STEP_MM), slices)
    centre = (right, front + (FRONT_MM - BACK_MM) / 2, (low + high) / 2)
    return Grid.axis_aligned(size, (STEP_MM, STEP_MM, (high - low) / slices), centre)


def _between(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (values > limits[0]) & (values < limits[1])


def _patient(hu: np.ndarray) -> np.ndarray:
    """The largest piece of what is no air, slice by slice without its thin connections to table and arms."""
    solid = ndimage.binary_opening(hu > BODY_HU, np.ones((3, 3, 1)), iterations=2)
    labels, count = ndimage.label(solid)
    if not count:
        return solid
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]))


def _deep(where: np.ndarray, mm: float) -> np.ndarray:
    """What lies so far inside, slice by slice: slices are averages already."""
    return np.asarray(ndimage.distance_transform_edt(where, (STEP_MM, STEP_MM, 1e3)) > mm)


def _usual(hu: np.ndarray, volume_cm3: float) -> Tissue | None:
    """The mean around the peak of the values; None of too few."""
    if hu.size * volume_cm3 < LEAST_CM3:
        return None
    counts, edges = np.histogram(hu, np.arange(hu.min(), hu.max() + 10, 5.0))
    usual = float(edges[ndimage.gaussian_filter1d(counts.astype(float), 1.5).argmax()] + 2.5)
    for _ in range(ROUNDS):
        near = hu[np.abs(hu - usual) < NEAR_HU]
        usual = float(near.mean())
    return Tissue(usual, float(near.size * volume_cm3))
