"""Slices too thick for the endplates: worth a note, or so thick that the reading fails."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

THICK_MM = 3.5
# Single vertebrae of virtual patients are off by 7 mg/cm3 (one SD) in 7 mm slices, 6 (at most 13) in 8 mm and
# 11 +- 9 (at most 30) in 10 mm, with true masks; real CTs by 3.8 in 8 mm.
FAILING_MM = 7.5


@of_scans.check(ReasonCode.THICK_SLICES)
def thick_slices(seen: SeenScan) -> Iterator[Reason]:
    grid = seen.ct.grid
    thickness = max(float(grid.spacing[grid.axis_towards(2)]), seen.acquisition.slice_thickness_mm or 0)
    if thickness > FAILING_MM:
        message = (
            f"Slices of {thickness:.1f} mm are so thick that endplates reach into what is read: take thinner ones."
        )
        yield Reason(ReasonCode.THICK_SLICES, "warning", message, figure=Figure(thickness, FAILING_MM))
    elif thickness > THICK_MM:
        message = f"Slices of {thickness:.1f} mm blur the endplates into the cancellous bone."
        yield Reason(ReasonCode.THICK_SLICES, "info", message, figure=Figure(thickness, THICK_MM))
