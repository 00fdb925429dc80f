"""A mask that is no whole body."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenMask, of_masks

LEAST_VOLUME_RATIO = 0.5  # of the three's median, which one swollen mask does not move; less is no whole body


@of_masks.check(ReasonCode.TOO_SMALL)
def too_small(seen: SeenMask) -> Iterator[Reason]:
    share = np.count_nonzero(seen.mask) / seen.usual
    if share < LEAST_VOLUME_RATIO:
        message = f"{seen.vertebra} is far smaller than its neighbours: crushed, cut off or not segmented as a whole."
        figure = Figure(100 * share, 100 * LEAST_VOLUME_RATIO)
        yield Reason(ReasonCode.TOO_SMALL, "warning", message, seen.vertebra, figure)
