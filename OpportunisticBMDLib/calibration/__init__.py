"""From HU to mineral: the calibration lines of tube voltages, and of virtual monoenergetic images."""

from OpportunisticBMDLib.calibration.lines import (
    COHORT_FACTORS,
    MINERAL,
    MONOENERGETIC,
    REFERENCE_KVP,
    line_at,
    line_for,
    line_of,
)

__all__ = ["COHORT_FACTORS", "MINERAL", "MONOENERGETIC", "REFERENCE_KVP", "line_at", "line_for", "line_of"]
