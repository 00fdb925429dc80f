"""How far neighbours lie apart: a vertebra that was skipped, two that share one body, a wrong spacing of the slices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans
from OpportunisticBMDLib.quality.wrong_order import do_not_follow

# Between the centres of two bodies, mm: 25 to 40 in small and tall adults; two that are crushed come closer
LEAST_MM, MOST_MM = 18.0, 46.0


@of_scans.check(ReasonCode.UNUSUAL_SPACING)
def unusual_spacing(seen: SeenScan) -> Iterator[Reason]:
    centres = seen.centres_ras
    if do_not_follow(centres):  # which is said already
        return
    for upper, lower in pairwise(VERTEBRAE):
        if upper not in centres or lower not in centres:
            continue
        apart = float(np.linalg.norm(centres[upper] - centres[lower]))
        if not LEAST_MM <= apart <= MOST_MM:
            message = (
                f"The middles of {upper} and {lower} lie {apart:.0f} mm apart, as those of neighbours do not: a "
                "vertebra between them was left out, a body was parted, or the file's spacing is wrong."
            )
            figure = Figure(apart, LEAST_MM if apart < LEAST_MM else MOST_MM)
            yield Reason(ReasonCode.UNUSUAL_SPACING, "warning", message, lower, figure)
