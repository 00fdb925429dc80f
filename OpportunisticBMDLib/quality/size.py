"""Bodies that are too large or too small for an adult: a wrong spacing of the voxels, or no vertebrae."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

# Mean of width and depth of what is read, mm; 60 % of a body's. In small and tall adults 15 to 22.
LEAST_MM, MOST_MM = 12.5, 27.0


@of_scans.check(ReasonCode.UNUSUAL_SIZE)
def unusual_size(seen: SeenScan) -> Iterator[Reason]:
    if not seen.readings:
        return
    size = float(np.mean([2 * reading.region.half_mm[:2] for reading in seen.readings.values()]))
    if not LEAST_MM <= size <= MOST_MM:
        word = "small" if size < LEAST_MM else "large"
        message = (
            f"The bodies are too {word} for an adult's (what is read of them is {size:.0f} mm across on average): the "
            "file's spacing may be wrong, or the masks are of something else."
        )
        figure = Figure(size, LEAST_MM if size < LEAST_MM else MOST_MM)
        yield Reason(ReasonCode.UNUSUAL_SIZE, "warning", message, figure=figure)
