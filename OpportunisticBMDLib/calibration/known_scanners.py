"""Lines of scanners that were measured on a phantom before."""

from __future__ import annotations

from typing import Protocol

from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import Acquisition


class KnownScanners(Protocol):
    """Where the lines of scanners are kept."""

    def line_for(self, scan: Acquisition) -> Calibration | None:
        """The line of the scanner that made a CT, at its voltage and kernel; None where there is none."""
