"""Ribs that rise from the spine to the sides: head and foot are exchanged in the file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

LEAST_RIBS_MM = 100.0  # of all together
LEAST_DESCENT = -5.0  # degrees, their mean; that of a patient who lies as stated is 10 to 45


@of_scans.check(ReasonCode.ORIENTATION_CONTRADICTED)
def rising_ribs(seen: SeenScan) -> Iterator[Reason]:
    vertebrae = seen.levels.vertebrae if seen.levels else ()
    ribs = [rib for vertebra in vertebrae for rib in (vertebra.right, vertebra.left)]
    lengths = [rib.length_mm for rib in ribs]
    if sum(lengths) < LEAST_RIBS_MM:
        return
    if np.average([rib.descent_degrees for rib in ribs], weights=lengths) < LEAST_DESCENT:
        message = "The ribs rise to the sides, as if the patient were stored upside down: "
        yield Reason(
            ReasonCode.ORIENTATION_CONTRADICTED, "refusal", f"{message}export the CT again with its true orientation."
        )
