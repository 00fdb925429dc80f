"""A scanner's line that was measured long before the scan, or long after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date

from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

YEAR_DAYS = 365.25
TOLD_YEARS, WARNED_YEARS = 1, 2  # from when on it is told, and from when on with a warning


@of_scans.check(ReasonCode.LINE_OLD)
def line_old(seen: SeenScan) -> Iterator[Reason]:
    """Without a figure: with the day of the phantom's scan it would tell that of the patient's."""
    line = seen.around.line if seen.around else None
    if line is None or not seen.has_own_line:
        return
    measured, scanned = _day(line.measured_on), _day(seen.acquisition.scanned_on)
    if measured is None:
        return
    years = abs(((scanned or date.today()) - measured).days) / YEAR_DAYS
    if years <= TOLD_YEARS:
        return
    is_much = years > WARNED_YEARS
    apart = f"{'two years' if is_much else 'a year'} from {'today' if scanned is None else 'this scan'}"
    yield Reason(
        ReasonCode.LINE_OLD,
        "warning" if is_much else "info",
        f"The scanner's line of {line.measured_on} lies more than {apart}: scan a phantom again.",
    )


def _day(text: str | None) -> date | None:
    """None also where only the month is known."""
    with suppress(ValueError):
        return date.fromisoformat(text or "")
    return None
