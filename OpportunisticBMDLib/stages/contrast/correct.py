"""What a contrast agent adds to the density of the marrow, by phase, as it was published."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.contrast import Contrast, Phase
from OpportunisticBMDLib.core.correction import Correction
from OpportunisticBMDLib.stages.contrast.phase import BLOOD_HU, features

# Phase: mean and SD of what is added, mg/cm3 of HA, and where that is from. The SDs are the wider ones of those at
# hand: that of the portal venous phase is what was left after a correction by phase (scatter alone would be 6.6), that
# of the arterial one the spread of three published means (5.7, 6.6 and 15.6; scatter alone would be 4.0).
ADDED: dict[Phase, tuple[float, float, str]] = {
    Phase.ARTERIAL: (5.7, 6.0, "Ruehling 2021 (n = 193); SD: with Toelly 2017 and TotalSegmentator"),
    Phase.PORTAL_VENOUS: (17.5, 9.5, "Ruehling 2021 (n = 193)"),
}
# Late: nephrographic +9.9 +- 4.3, urographic +2.3 +- 3.3 (n = 194). Which of the two follows from how bright the blood
# still is: the aorta's HU at 120 kVp in both on virtual patients (`opportunistic-bmd-lab fit-contrast`).
LATE_AORTA_HU, LATE_ADDED, LATE_SD = (100.0, 131.0), (2.3, 9.9), 5.0
LATE_SOURCE = "nephrographic +9.9, urographic +2.3 mg/cm³ (n = 194), between them by the aorta"
UNKNOWN_ADDED, UNKNOWN_SD = 12.0, 7.0  # mean and SD over the phases, as often as each is scanned
LEAST_SURE = 0.8  # probability of a phase from which it is corrected for


def correction_for(contrast: Contrast, kvp: float | None) -> Correction | None:
    """What is taken off a reading; None where no agent is in the vessels, or nothing speaks of one.

    It is only named, not applied, where the phase is not sure: a wrong phase would be an error of its own.

    Args:
        kvp: tube voltage, at which the aorta's HU are; None is taken for 120 kVp.
    """
    if contrast.phase is None and contrast.stated and contrast.believed == "header":
        return _correction("contrast of an unknown phase", UNKNOWN_ADDED, UNKNOWN_SD, "mean of all phases", False)
    if contrast.phase is None or contrast.phase is Phase.NONE:
        return None
    added, sd, source = _late(contrast, kvp) if contrast.phase is Phase.LATE else ADDED[contrast.phase]
    is_sure = contrast.believed == "pixels" and contrast.probability >= LEAST_SURE
    return _correction(f"{contrast.phase.value} contrast", added, sd, source, is_sure)


def _late(contrast: Contrast, kvp: float | None) -> tuple[float, float, str]:
    gain = features(contrast.organs_hu, kvp).get("gain")
    aorta = float(np.mean(LATE_AORTA_HU)) if gain is None else BLOOD_HU + gain
    return float(np.interp(aorta, LATE_AORTA_HU, LATE_ADDED)), LATE_SD, LATE_SOURCE


def _correction(cause: str, added: float, sd: float, source: str, is_applied: bool) -> Correction:
    """The SD of one that is not applied is the whole error that is then left."""
    left = sd if is_applied else float(np.hypot(added, sd))
    return Correction(cause, 1.0, -added, left, is_applied, source)
