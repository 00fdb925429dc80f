"""Masks of more than the cancellous bone of a body: of a whole vertebra, or of a body with its cortex."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

RADII = 2.0  # of a region, from its axis: a fifth more than its body, beyond which there are arch and processes
MOST_BESIDE = 0.2  # of a mask's voxels; a body's spurs are less, an arch with its processes is more
CORTEX_HU = 250.0  # above what the middle reads
MOST_CORTEX = 0.06  # of a mask's voxels; blur of the endplates into cancellous bone is less


@of_scans.check(ReasonCode.WHOLE_VERTEBRA, ReasonCode.CORTEX_IN_MASK)
def kind_of_mask(seen: SeenScan) -> Iterator[Reason]:
    for name, reading in seen.readings.items():
        mask = seen.segmentation.labels.array == LABELS[name]
        right, front, _ = reading.region.local(seen.voxels_ras[name]).T
        beside = float((np.hypot(right, front) > RADII).mean())
        dense = float((seen.ct.array[mask] > reading.hu_mean + CORTEX_HU).mean())
        if beside > MOST_BESIDE:
            message = (
                f"The mask of {name} looks like one of the whole vertebra: {beside:.0%} of it lies beside the body. "
                "The density was read in the middle of the body: check where."
            )
            figure = Figure(100 * beside, 100 * MOST_BESIDE)
            yield Reason(ReasonCode.WHOLE_VERTEBRA, "warning", message, name, figure)
        elif dense > MOST_CORTEX:
            message = (
                f"The mask of {name} looks like one of the body with its cortex: {dense:.0%} of it is far denser than "
                "the middle, which alone was read."
            )
            figure = Figure(100 * dense, 100 * MOST_CORTEX)
            yield Reason(ReasonCode.CORTEX_IN_MASK, "info", message, name, figure)
