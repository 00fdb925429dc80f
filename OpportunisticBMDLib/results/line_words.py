"""Which line a density was read by, in a few words."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

from OpportunisticBMDLib.core.calibration_line import Calibration

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def line_in_words(line: Calibration) -> str:
    """ "phantom line of 12 May 2026", "line for 120 kVp, computed"."""
    of_day = f" of {day_in_words(line.measured_on)}" if line.measured_on else ""
    match line.kind:
        case "scanner":
            return f"phantom line{of_day}"
        case "phantom":
            return "line of the phantom in this scan"
        case "internal":
            return "line of the patient's own tissues"
        case "given":
            return f"line{of_day} given by the user"
        case "voltage":
            return f"line for {line.name}, computed"


def day_in_words(day: str) -> str:
    """ "2026-05-12" as "12 May 2026", in every country's settings; what is no day stays as it is."""
    with suppress(ValueError):
        known = date.fromisoformat(day)
        return f"{known.day} {MONTHS[known.month - 1]} {known.year}"
    return day
