"""A real thorax phantom with inserts of known mineral: what the default line and the scanner's own line read of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.materials import HA
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.results.wording import INTERVAL_SDS
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.public_cts import LOCAL
from OpportunisticBMDTraining.real_cts.by_hand import mean_hu
from OpportunisticBMDTraining.real_cts.chain import Outcome
from OpportunisticBMDTraining.real_cts.plan import Trial, TrialPlan

TITLE = "A real phantom"
SCAN = Path("qrm-thorax") / "qrm-thorax-dicom.zip"
ROD_MG_CM3 = 200.0
# Centre (RAS mm) and half axes (mm) of what is read: well within each insert, over the three slices in which the rod is
# whole and the beam does not fade yet. As the scan shows them; the phantom lies straight.
INSERTS = {
    "water insert": Region(np.array([13.3, 15.2, 630.9]), np.diag([4.5, 4.5, 4.5])),
    "rod, 200 mg HA/cm³": Region(np.array([2.6, -0.4, 630.9]), np.diag([6.0, 6.0, 4.5])),
    "spongy vertebra": Region(np.array([5.0, -71.1, 630.9]), np.diag([9.0, 9.0, 4.5])),
}
WATER, ROD, *_ = INSERTS
HEADER = ("insert", "HU", "default line (mg/cm³, ± 95 %)", "the scanner's own line (mg/cm³)")


def trials(plan: TrialPlan) -> list[Trial]:
    """None: a phantom has no spine to find."""
    return []


def report(plan: TrialPlan, runs: Mapping[Trial, Outcome]) -> str:
    """A row for every insert through both lines, and what that says of the default one."""
    if not (LOCAL / SCAN).is_file():
        return "Left out: the scan of the phantom is not at hand."
    ct = read_ct(LOCAL / SCAN)
    hu = {name: mean_hu(ct.volume, region) for name, region in INSERTS.items()}
    default, own = line_for(ct.acquisition.kvp), line_of(hu[WATER], hu[ROD])
    rows = [
        (name, words.number(value, 1), _with_interval(default, value), words.number(float(own.bmd(value)), 1))
        for name, value in hu.items()
    ]
    return f"{markdown(HEADER, rows)}\n\n{_verdict(default, own, hu[ROD])}"


def line_of(water_hu: float, rod_hu: float) -> Calibration:
    """The line through water at 0 and the rod at its density."""
    slope = (rod_hu - water_hu) / ROD_MG_CM3
    return Calibration("this scanner", HA, slope, water_hu, "measured on this scanner")


def _with_interval(line: Calibration, hu: float) -> str:
    bmd = float(line.bmd(hu))
    return f"{words.number(bmd, 1)} ± {words.number(INTERVAL_SDS * line.sd(bmd), 1)}"


def _verdict(default: Calibration, own: Calibration, rod_hu: float) -> str:
    slope = own.slope_hu_per_mg_cm3 / default.slope_hu_per_mg_cm3 - 1
    error = float(default.bmd(rod_hu)) - ROD_MG_CM3
    inside = abs(error) <= INTERVAL_SDS * default.sd(ROD_MG_CM3)
    return (
        f"This scanner's slope is {own.slope_hu_per_mg_cm3:.2f} HU per mg/cm³, {100 * slope:+.0f} % from the default "
        f"line's {default.slope_hu_per_mg_cm3:.2f}, and its water insert, in plastic of about 75 HU, reads "
        f"{own.intercept_hu:.0f} HU and not 0. The default line is off by {words.number(error, 1, sign=True)} mg/cm³ "
        f"at the rod, {'within' if inside else 'beyond'} its 95 % interval: that has room for the slope, not for an "
        "offset such as this insert's, which only the scanner's own line can tell."
    )
