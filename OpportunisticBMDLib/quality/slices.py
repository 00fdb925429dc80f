"""Slices too thick for the endplates."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

THICK_MM = 3.5


@of_scans.check(ReasonCode.THICK_SLICES)
def thick_slices(seen: SeenScan) -> Iterator[Reason]:
    grid = seen.ct.grid
    thickness = max(float(grid.spacing[grid.axis_towards(2)]), seen.acquisition.slice_thickness_mm or 0)
    if thickness > THICK_MM:
        message = f"Slices of {thickness:.1f} mm blur the endplates into the cancellous bone."
        yield Reason(ReasonCode.THICK_SLICES, "info", message, figure=Figure(thickness, THICK_MM))
