"""A mask that is larger or smaller than those of its neighbours let expect."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

USUAL = {"T12": 0.87, "L1": 1.0, "L2": 1.1}  # volumes of the cancellous bone relative to L1
LEAST, MOST = 0.70, 1.40  # of what the mean of the two others lets expect; in whole bodies 0.8 to 1.25


@of_scans.check(ReasonCode.UNUSUAL_VOLUME)
def unusual_volume(seen: SeenScan) -> Iterator[Reason]:
    """The one of three that is most unlike the two others; what is left out as cut off or crushed tells nothing."""
    sizes = {name: len(seen.voxels_ras[name]) / USUAL[name] for name in seen.readings}
    if len(sizes) < len(USUAL):
        return
    ratios = {name: 2 * size / (sum(sizes.values()) - size) for name, size in sizes.items()}
    name, ratio = max(ratios.items(), key=lambda entry: abs(np.log(entry[1])))
    if not LEAST <= ratio <= MOST:
        word = "smaller" if ratio < LEAST else "larger"
        message = (
            f"The mask of {name} is {word} than those of its neighbours let expect ({ratio:.0%}): check that all "
            "three hold their whole body and nothing else."
        )
        figure = Figure(100 * ratio, 100 * (LEAST if ratio < LEAST else MOST))
        yield Reason(ReasonCode.UNUSUAL_VOLUME, "warning", message, name, figure)
