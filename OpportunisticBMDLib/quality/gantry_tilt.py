"""Slices that were scanned aslant."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

WORTH_SAYING = 1.0  # degrees
# Degrees. Slices of 11 virtual patients, shifted as those of a gantry that was tilted by 15 or 20 degrees, moved what
# 33 bodies read by 1.4 or 1.8 mg/cm3 (SD), and at most 5.5: only more can matter.
MOST_UNDONE = 20.0


@of_scans.check(ReasonCode.GANTRY_TILT)
def gantry_tilt(seen: SeenScan) -> Iterator[Reason]:
    """Only DICOM slices tell how they lie; a copy whose tilt was undone elsewhere still states it."""
    stated, undone = abs(seen.acquisition.gantry_tilt_degrees or 0.0), seen.acquisition.shear_degrees
    tilt = max(stated, undone or 0.0)
    if tilt < WORTH_SAYING:
        return
    if undone is not None and stated - undone > MOST_UNDONE:
        message = (
            f"The gantry was tilted by {stated:.0f} degrees, yet the slices lie straight above each other: if they "
            "were exported without their tilt, bodies are askew and lengths wrong; look at the sagittal slices."
        )
        yield Reason(ReasonCode.GANTRY_TILT, "warning", message, figure=Figure(stated, MOST_UNDONE))
    else:
        undoing = "; the slices were brought onto an upright grid" if (undone or 0.0) >= WORTH_SAYING else ""
        message = f"The gantry was tilted by {tilt:.0f} degrees{undoing}."
        yield Reason(ReasonCode.GANTRY_TILT, "info", message, figure=Figure(tilt, WORTH_SAYING))
