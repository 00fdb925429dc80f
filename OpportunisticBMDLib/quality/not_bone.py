"""A region that is no bone."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenRegion, of_regions

LEAST_IN_BODY = 0.9  # share of a region: of a mask in its place all of it lies in the body


@of_regions.check(ReasonCode.NOT_IN_BODY, ReasonCode.DAMAGED_VOXELS)
def not_in_body(seen: SeenRegion) -> Iterator[Reason]:
    if seen.in_body >= LEAST_IN_BODY:
        return
    damage = seen.reading.damaged if seen.reading else 0
    if damage:
        message = f"{damage} voxels in the middle of {seen.vertebra} are damaged, so that no body is seen there."
        yield Reason(ReasonCode.DAMAGED_VOXELS, "warning", message, seen.vertebra, Figure(damage, 0.0))
    else:
        message = (
            f"The middle of the mask of {seen.vertebra} does not lie in a vertebral body, as the CT shows it: check "
            "that the mask belongs to this CT and lies in its place."
        )
        figure = Figure(100 * seen.in_body, 100 * LEAST_IN_BODY)
        yield Reason(ReasonCode.NOT_IN_BODY, "warning", message, seen.vertebra, figure)


@of_regions.check(ReasonCode.BELOW_ZERO)
def below_zero(seen: SeenRegion) -> Iterator[Reason]:
    if seen.bmd_mg_cm3 < 0:
        message = (
            f"{seen.vertebra} reads {seen.bmd_mg_cm3:.0f} mg/cm3, less than water: its mask does not lie in bone, or "
            "the CT is not calibrated."
        )
        yield Reason(ReasonCode.BELOW_ZERO, "warning", message, seen.vertebra, Figure(seen.bmd_mg_cm3, 0.0))
