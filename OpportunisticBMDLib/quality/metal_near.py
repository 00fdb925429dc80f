"""Metal beside a body that holds none: its streaks cross what is read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

NEAR_METAL_HU = 2000.0  # denser than calcified vessels
AROUND_MM = 70.0  # from the middle of a body, within its slices: as far as rods and screws reach, and more
MOST_METAL_MM3 = 30.0


@of_scans.check(ReasonCode.METAL_NEAR)
def metal_near(seen: SeenScan) -> Iterator[Reason]:
    if seen.whole is None:
        return
    for name, reading in seen.readings.items():
        volume = _metal_beside(seen.whole, reading)
        if volume > MOST_METAL_MM3:
            message = (
                f"There is metal beside {name}, in the slices that are read: streaks may move its density by 10 mg/cm³ "
                "and more."
            )
            yield Reason(ReasonCode.METAL_NEAR, "warning", message, name, Figure(volume, MOST_METAL_MM3))


def _metal_beside(ct: Volume, reading: Reading) -> float:
    """mm3 of metal in the slices of a region, around it."""
    grid, region = ct.grid, reading.region
    slices = region.ranges_on(grid)
    axis = grid.axis_towards(2)
    middle = grid.index_of(region.centre_ras)
    ranges = list(slices)
    for other in {0, 1, 2} - {axis}:
        reach = AROUND_MM / grid.spacing[other]
        low, high = np.clip((middle[other] - reach, middle[other] + reach), 0, grid.size[other] - 1).astype(int)
        ranges[other] = slice(int(low), int(high) + 1)
    return float(np.count_nonzero(ct.array[tuple(ranges)] > NEAR_METAL_HU) * grid.voxel_volume)
