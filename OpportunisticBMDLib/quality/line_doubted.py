"""A line that does not fit: scanners do not differ by so much, or the patient's tissues read otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.calibration.internal import unlikeliness
from OpportunisticBMDLib.calibration.lines import line_of
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

MOST_STEEP_SD = 3.0  # of what published scanners differ by
MOST_STRANGE_SD = 2.6  # 1 in 100 people


@of_scans.check(ReasonCode.LINE_DOUBTED)
def line_doubted(seen: SeenScan) -> Iterator[Reason]:
    """Fat under the skin shows a wrong tube voltage, all tissues HU that are scaled; a slope shows itself."""
    if seen.around is None:
        return
    line, tissues = seen.around.line, seen.around.tissues_hu or {}
    if seen.has_own_line and (steeper := _steeper(line, seen.acquisition)) > MOST_STEEP_SD:
        message = (
            f"The line in use ({line.name}) lies further from the one computed for this tube voltage than scanners "
            "differ: check that it was measured at this voltage, and on this scanner."
        )
        yield Reason(ReasonCode.LINE_DOUBTED, "warning", message, figure=Figure(steeper, MOST_STEEP_SD))
    strange = unlikeliness(line, tissues, seen.acquisition.kvp)
    if strange > MOST_STRANGE_SD:
        shown = ", ".join(f"{name} {hu:.0f} HU" for name, hu in tissues.items())
        message = (
            f"The patient's own tissues ({shown}) read otherwise than the line lets expect: the HU or the tube voltage "
            "may not be what the file says, or the line is not this scanner's. Compare with another scan."
        )
        yield Reason(ReasonCode.LINE_DOUBTED, "warning", message, figure=Figure(strange, MOST_STRANGE_SD))


def _steeper(line: Calibration, scan: Acquisition) -> float:
    """How far a slope lies from the computed one, in SDs of both."""
    computed = line_of(scan)
    relative = line.slope_hu_per_mg_cm3 / computed.slope_hu_per_mg_cm3 - 1
    return float(abs(relative) / np.hypot(computed.slope_sd, line.slope_sd))
