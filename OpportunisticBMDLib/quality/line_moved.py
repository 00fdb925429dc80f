"""A scanner whose line moved from one scan of a phantom to the next."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.calibration.drift import BONE_MG_CM3, LEAST_SIGNIFICANT_MG_CM3
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans


@of_scans.check(ReasonCode.LINE_MOVED)
def line_moved(seen: SeenScan) -> Iterator[Reason]:
    moved = seen.around.line.moved_mg_cm3 if seen.around else None
    if moved is None or abs(moved) <= LEAST_SIGNIFICANT_MG_CM3:
        return
    yield Reason(
        ReasonCode.LINE_MOVED,
        "warning",
        f"Between its last two scans of a phantom the scanner moved by {moved:+.1f} mg/cm³ at {BONE_MG_CM3:.0f} "
        f"mg/cm³, more than the {LEAST_SIGNIFICANT_MG_CM3:.1f} that such scans differ by: scan the phantom again.",
        figure=Figure(abs(moved), LEAST_SIGNIFICANT_MG_CM3),
    )
