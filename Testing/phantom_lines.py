"""Lines of invented scanners, as the scan of a phantom would have given them."""

from __future__ import annotations

from typing import Any

from OpportunisticBMDLib.calibration.phantom_line import PhantomLine, SeenInsert
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import Acquisition

SCANNER, MACHINE = "Canon Aquilion ONE", "4f1c22aa90b1d3e7"
DENSITIES = {"low": 50.0, "middle": 100.0, "high": 200.0}


def scan_of(**facts: Any) -> Acquisition:
    """A scan by this scanner."""
    usual: dict[str, Any] = {"kvp": 120.0, "kernel": "FC12", "scanner": SCANNER, "scanner_id": MACHINE}
    return Acquisition("ct", "DICOM", **usual | facts)


def line_of_day(day: str | None, slope: float = 1.32, intercept_hu: float = 12.0, **facts: Any) -> PhantomLine:
    """A line of this scanner, of a scan that differs from all of other days."""
    scan = scan_of(scanned_on=day, series_instance_uid=f"1.2.{day}.{slope}.{sorted(facts.items())}", **facts)
    line = Calibration(
        name=f"phantom of {day}",
        material="HA",
        slope_hu_per_mg_cm3=slope,
        intercept_hu=intercept_hu,
        source="measured on a phantom (ESP, 3 inserts)",
        slope_sd=0.0125,
        intercept_sd_hu=2.5,
        kind="scanner",
        measured_on=day,
    )
    inserts = tuple(
        SeenInsert(name, density, slope * density + intercept_hu, 14.0, 1200, 0.0, (0.0, 0.0, density))
        for name, density in DENSITIES.items()
    )
    return PhantomLine(line, "European Spine Phantom", "HA", inserts, scan)
