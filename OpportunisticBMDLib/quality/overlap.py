"""Slices that show much more than their own place: a projection of several, if nobody says otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

MOST_OVERLAP = 3.0  # thickness by distance; scans are reconstructed at 1 to 2


@of_scans.check(ReasonCode.OVERLAPPING_SLICES)
def overlapping_slices(seen: SeenScan) -> Iterator[Reason]:
    thickness = seen.acquisition.slice_thickness_mm or 0.0
    apart = float(max(seen.ct.grid.spacing))  # whichever axis the slices are stacked along
    if thickness > MOST_OVERLAP * apart:
        message = (
            f"Slices of {thickness:.3g} mm lie at most {apart:.2g} mm apart, as projections of several slices do: if "
            "they show the densest of each, the density is far too high; take the series that they were made from."
        )
        figure = Figure(thickness / apart, MOST_OVERLAP)
        yield Reason(ReasonCode.OVERLAPPING_SLICES, "warning", message, figure=figure)
