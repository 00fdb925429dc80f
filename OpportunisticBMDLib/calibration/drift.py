"""How far a scanner's line has moved from one scan of a phantom to the next, and from when on that counts."""

from __future__ import annotations

from OpportunisticBMDLib.core.calibration_line import Calibration

BONE_MG_CM3 = 100.0  # at which lines are compared: between the two thresholds
PRECISION_MG_CM3 = 0.91  # SD of repeated scans of the European Spine Phantom, the greater of those published
LEAST_SIGNIFICANT_MG_CM3 = 2.77 * PRECISION_MG_CM3  # two scans differ by less in 95 % where nothing has changed


def reading_on(line: Calibration, now: Calibration) -> float:
    """What an earlier line would read today of 100 mg/cm3, if the scanner shows bone as a later line says."""
    return float(line.bmd(now.hu(BONE_MG_CM3)))


def moved_mg_cm3(before: Calibration, now: Calibration) -> float:
    """How much more than 100 mg/cm3 that is."""
    return reading_on(before, now) - BONE_MG_CM3
