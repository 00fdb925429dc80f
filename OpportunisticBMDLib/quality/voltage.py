"""A tube voltage that nobody states."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans


@of_scans.check(ReasonCode.KVP_UNKNOWN)
def kvp_unknown(seen: SeenScan) -> Iterator[Reason]:
    if seen.acquisition.kvp is None and not seen.has_own_line:
        message = "The tube voltage is not known; the calibration line for 120 kVp was used."
        yield Reason(ReasonCode.KVP_UNKNOWN, "info", message)
