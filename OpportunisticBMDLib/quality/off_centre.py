"""A body near the rim of the field of view, where beam hardening and truncation bend the HU most."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

LEAST_MM = 40.0  # from the middle of a body to the rim; tight fields around a spine leave 75
STEP_MM = 2.0
DIRECTIONS = 24  # of rays within the slice


@of_scans.check(ReasonCode.OFF_CENTRE)
def off_centre(seen: SeenScan) -> Iterator[Reason]:
    """An info: the virtual scanners' cupping moves densities by less than 6 mg/cm3."""
    if seen.whole is None or not seen.readings:
        return
    name, apart = min(
        ((name, rim_mm(seen.whole, reading.region)) for name, reading in seen.readings.items()), key=lambda e: e[1]
    )
    if apart < LEAST_MM:
        message = f"{name} lies {apart:.0f} mm from the rim of the field of view, where HU are least exact."
        yield Reason(ReasonCode.OFF_CENTRE, "info", message, name, Figure(apart, LEAST_MM))


def rim_mm(whole: Volume, region: Region) -> float:
    """How far it is from the middle of a body to what the scan does not show, to the right, left, front or back.

    What was padded is as low as a file goes. So is a noisy voxel of lung, but not two that follow each other.
    """
    angles = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    ways = np.stack((np.cos(angles), np.sin(angles), np.zeros(DIRECTIONS)), axis=1)
    away = np.arange(STEP_MM, LEAST_MM + 2 * STEP_MM, STEP_MM)
    index = np.rint(whole.grid.index_of(region.centre_ras + away[:, None, None] * ways)).astype(int)
    is_in = ((index >= 0) & (index < whole.grid.size)).all(axis=-1)
    shown = np.full(is_in.shape, AIR_HU)
    shown[is_in] = whole.array[tuple(index[is_in].T)]
    low = shown <= AIR_HU
    empty = (low[:-1] & low[1:]).any(axis=1)
    return float(away[empty.argmax()]) if empty.any() else np.inf
