"""A body that is flatter than what is read of it."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.region import SLAB_MM
from OpportunisticBMDLib.quality.registry import SeenRegion, of_regions

LEAST_HEIGHT_MM = SLAB_MM + 2.0  # of a body's cancellous bone: in a flatter one the region meets the endplates


@of_regions.check(ReasonCode.TOO_FLAT)
def too_flat(seen: SeenRegion) -> Iterator[Reason]:
    if seen.height_mm < LEAST_HEIGHT_MM:
        message = f"{seen.vertebra} is too flat to be read: its cancellous bone is {seen.height_mm:.0f} mm high."
        figure = Figure(seen.height_mm, LEAST_HEIGHT_MM)
        yield Reason(ReasonCode.TOO_FLAT, "warning", message, seen.vertebra, figure)
