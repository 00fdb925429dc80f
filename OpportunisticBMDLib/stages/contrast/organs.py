"""HU of the organs beside the spine that tell how far an agent has come."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.contrast.beside_spine import beside_spine
from OpportunisticBMDLib.stages.contrast.kidneys import kidneys
from OpportunisticBMDLib.stages.contrast.vessels import vessels

AORTA, CAVA, CORTEX, MEDULLA = "aorta", "vena cava", "renal cortex", "renal medulla"
BELOW_RENAL_VEINS_MM = -22.0  # above L1: blood of the cava comes from the legs alone
LEAST_BLOOD_HU = 62.0  # bright organs beside darker blood hold something else, such as what was swallowed


def organs_hu(ct: Volume, bodies: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Organ -> its HU, of those that are found.

    Args:
        bodies: vertebra -> centre of its body (RAS, mm); at least one.
    """
    around = beside_spine(ct, bodies)
    found: dict[str, float | None] = {}
    tubes = vessels(around)
    if tubes:
        found[AORTA] = tubes[0].blood_hu
    if len(tubes) == 2:
        low = [tube.below(BELOW_RENAL_VEINS_MM) for tube in tubes]
        found[CAVA] = min(hu for hu in low if hu is not None) if None not in low else None
    if (found.get(AORTA) or 0.0) >= LEAST_BLOOD_HU:
        found[CORTEX], found[MEDULLA] = kidneys(around)
    return {organ: hu for organ, hu in found.items() if hu is not None}
