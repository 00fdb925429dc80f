"""The reference of a real case without a phantom's figure: what QCT reads in the middle of each body, untouched."""

from __future__ import annotations

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.quality import measurability, readable
from OpportunisticBMDLib.result import Segmentation
from OpportunisticBMDLib.stages.place_region import body_height_mm, place_region
from OpportunisticBMDLib.stages.read_region import read_region
from OpportunisticBMDLib.vertebrae import VERTEBRAE
from OpportunisticBMDLib.volume import Volume


def reference_of(ct: Volume, labels: Volume, kvp: float | None) -> dict[str, float | None]:
    """Vertebra -> mg/cm3 of HA in water through the line of its tube voltage; None where it cannot be read.

    Args:
        ct: HU, as it was scanned.
        labels: masks that were looked at, on the same grid.
    """
    left_out = {reason.vertebra for reason in measurability(ct, Segmentation(labels, {}))}
    return {name: None if name in left_out else _reading(ct, labels, name, kvp) for name in VERTEBRAE}


def _reading(ct: Volume, labels: Volume, name: str, kvp: float | None) -> float | None:
    region = place_region(labels, name)
    if region is None:
        return None
    reading = read_region(ct, labels, name, region)
    if any(r.severity != "info" for r in readable(name, reading, body_height_mm(labels, name, region))):
        return None
    return float(line_for(kvp).bmd(reading.hu_mean))
