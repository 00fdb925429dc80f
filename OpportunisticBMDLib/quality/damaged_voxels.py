"""Voxels that are no measurement, where a density is read."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans


@of_scans.check(ReasonCode.DAMAGED_VOXELS)
def damaged_voxels(seen: SeenScan) -> Iterator[Reason]:
    for name, reading in seen.readings.items():
        if reading.damaged:
            many = "1 voxel is" if reading.damaged == 1 else f"{reading.damaged} voxels are"
            message = (
                f"In the middle of {name} {many} damaged (values that no scanner writes, or slices that were filled or "
                "written twice) and left out: export the CT again."
            )
            yield Reason(ReasonCode.DAMAGED_VOXELS, "warning", message, name, Figure(reading.damaged, 0.0))
