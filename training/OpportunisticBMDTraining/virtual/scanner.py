"""The calibration line of a virtual scanner, as a phantom in it would give."""

from __future__ import annotations

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.calibration_line import Calibration


def scanner_line(kvp: float, slope: float, offset_hu: float) -> Calibration:
    """The line of a tube voltage as a scanner shows it that turns each HU into HU x slope + offset."""
    line = line_for(kvp)
    return Calibration(
        name=f"{line.name}, this scanner",
        material=line.material,
        slope_hu_per_mg_cm3=line.slope_hu_per_mg_cm3 * slope,
        intercept_hu=line.intercept_hu * slope + offset_hu,
        source="the virtual scanner's own slope and offset",
    )
