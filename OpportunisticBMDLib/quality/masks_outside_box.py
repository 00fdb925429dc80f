"""Masks that lie elsewhere than the vertebrae that were looked for."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

MOST_OUTSIDE = 0.1  # of a mask's voxels: the box has 5 mm to spare, and hand-drawn masks go a little further


@of_scans.check(ReasonCode.MASKS_OUTSIDE_BOX)
def masks_outside_box(seen: SeenScan) -> Iterator[Reason]:
    if seen.box is None:
        return
    low, high = seen.box.ras_mm.T
    for name, ras in seen.voxels_ras.items():
        outside = float(((ras < low) | (ras > high)).any(axis=1).mean()) if len(ras) else 0.0
        if outside > MOST_OUTSIDE:
            message = (
                f"{outside:.0%} of the mask of {name} lies outside the box around T12 to L2: check which vertebra it "
                "is of, and the box."
            )
            figure = Figure(100 * outside, 100 * MOST_OUTSIDE)
            yield Reason(ReasonCode.MASKS_OUTSIDE_BOX, "warning", message, name, figure)
