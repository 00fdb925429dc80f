"""From HU to mineral: the calibration lines of tube voltages."""

from OpportunisticBMDLib.calibration.lines import COHORT_FACTORS, MINERAL, REFERENCE_KVP, line_for

__all__ = ["COHORT_FACTORS", "MINERAL", "REFERENCE_KVP", "line_for"]
