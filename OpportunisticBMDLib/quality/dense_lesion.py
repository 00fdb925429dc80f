"""Bone far denser than the rest of its body, in or beside what is read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenRegion, of_regions

DENSE_HU = 200.0  # above the median of the body
MOST_DENSE_MM3 = 120.0
BESIDE_MM = 3.0  # of the region: from there a lesion's rim reaches into it


@of_regions.check(ReasonCode.DENSE_LESION)
def dense_lesion(seen: SeenRegion) -> Iterator[Reason]:
    """A body that is left out: how far the dense rim of a lesion goes on into the rest cannot be told."""
    if seen.body is None or not seen.body.core.any():
        return
    body = seen.body
    dense = body.core & (body.smooth > np.median(body.smooth[body.core]) + DENSE_HU)
    volume = body.volume_mm3(dense)
    if volume > MOST_DENSE_MM3 and (dense & body.within(BESIDE_MM)).any():
        message = (
            f"{seen.vertebra} holds {volume / 1000:.1f} cm³ of bone far denser than the rest (sclerosis, a bone "
            "island, the rim of a Schmorl's node, cement) in or beside its middle, so its density is not used."
        )
        yield Reason(ReasonCode.DENSE_LESION, "warning", message, seen.vertebra, Figure(volume, MOST_DENSE_MM3))
