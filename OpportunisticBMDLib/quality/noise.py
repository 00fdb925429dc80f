"""Noise that makes a mean inexact."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.materials import HA_HU_PER_MG_CM3
from OpportunisticBMDLib.core.noise import standard_error_hu
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

MOST_MG_CM3 = 6.0  # one SD: two of them are 12 mg/cm3, a third of a class


@of_scans.check(ReasonCode.NOISY)
def noisy(seen: SeenScan) -> Iterator[Reason]:
    slope = seen.around.line.slope_hu_per_mg_cm3 if seen.around else HA_HU_PER_MG_CM3
    for name, reading in seen.readings.items():
        error = standard_error_hu(reading.hu_sd, reading.voxels, seen.ct.grid.spacing.tolist()) / slope
        if error > MOST_MG_CM3:
            message = (
                f"Noise makes the mean of {name} inexact: another scan of it might differ by {2 * error:.0f} mg/cm³."
            )
            yield Reason(ReasonCode.NOISY, "warning", message, name, Figure(error, MOST_MG_CM3))
