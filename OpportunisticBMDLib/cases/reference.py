"""The reference of a real case without a phantom's figure: what QCT reads in the middle of each body, untouched."""

from __future__ import annotations

from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality import measurability
from OpportunisticBMDLib.stages.qct import qct_reading


def reference_of(ct: Volume, labels: Volume, kvp: float | None) -> dict[str, float | None]:
    """Vertebra -> mg/cm3 of HA in water through the line of its tube voltage; None where it cannot be read.

    Args:
        ct: HU, as it was scanned.
        labels: masks that were looked at, on the same grid.
    """
    left_out = {reason.vertebra for reason in measurability(ct, Segmentation(labels, {}))}
    return {name: None if name in left_out else qct_reading(ct, labels, name, kvp) for name in VERTEBRAE}
