"""What QCT would read in the middle of a body through a mask that is right."""

from __future__ import annotations

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality import readable
from OpportunisticBMDLib.stages.place_region import body_height_mm, place_region
from OpportunisticBMDLib.stages.read_region import read_region


def qct_reading(ct: Volume, labels: Volume, vertebra: str, kvp: float | None) -> float | None:
    """mg/cm3 of HA in water through the line of a tube voltage; None where the middle of the body cannot be read.

    Args:
        ct: HU.
        labels: masks on the same grid.
    """
    region = place_region(labels, vertebra)
    if region is None:
        return None
    reading = read_region(ct, labels, vertebra, region)
    if any(r.severity != "info" for r in readable(vertebra, reading, body_height_mm(labels, vertebra, region))):
        return None
    return float(line_for(kvp).bmd(reading.hu_mean))
