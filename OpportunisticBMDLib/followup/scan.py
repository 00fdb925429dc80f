"""One of several results of a patient, and when its CT was made."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import FORMER, Result

MID_MONTH = 15  # taken for the day where only the month is known


@dataclass(frozen=True, eq=False)
class Scan:
    """A result that can be held against others.

    Args:
        name: for the reader, of its file or volume.
        day: of the CT; None where it is not known.
        is_month: only the month of that day is known.
        file: that the result was read from, links in its path followed; None of a volume.

    Raises:
        BadInput: the result has no density, or one on the former scale.
    """

    name: str
    result: Result
    day: date | None = None
    is_month: bool = False
    file: Path | None = None

    def __post_init__(self) -> None:
        if self.result.scale == FORMER:
            raise BadInput(
                f"{self.name} is on the former scale, about 20 mg/cm³ above that of today; measure its CT again."
            )
        if self.result.bmd_mg_cm3 is None:
            raise BadInput(f"{self.name} was refused and has no density; compare results that have one.")

    @classmethod
    def of(cls, name: str, result: Result, file: Path | None = None) -> Scan:
        """A result with the month that it tells, if it tells one."""
        month = result.acquisition.month
        return cls(name, result, file=file) if month is None else cls.on(name, result, month, file)

    @classmethod
    def on(cls, name: str, result: Result, when: str, file: Path | None = None) -> Scan:
        """A result of a day, "2026-05-12", or of a month, "2026-05".

        Raises:
            BadInput: no such day.
        """
        return cls(name, result, day_of(when), is_month=len(when) == len("2026-05"), file=file)

    @property
    def when(self) -> str | None:
        """ "2026-05-12", or "2026-05"; None where it is not known."""
        return None if self.day is None else self.day.strftime("%Y-%m" if self.is_month else "%Y-%m-%d")

    def is_before(self, other: Scan) -> bool:
        """Whether it is known to be of an earlier day; two of one month are not, where a day of them is not known."""
        if self.day is None or other.day is None:
            return False
        return self._last_day(self.day) < other._first_day(other.day)

    def is_of_same_file(self, other: Scan) -> bool:
        return self.file is not None and self.file == other.file

    def _first_day(self, day: date) -> date:
        return day.replace(day=1) if self.is_month else day

    def _last_day(self, day: date) -> date:
        return day.replace(day=monthrange(day.year, day.month)[1]) if self.is_month else day


def in_order(scans: Sequence[Scan]) -> list[Scan]:
    """Earlier ones first; as they come where it is not known which is the earlier one."""
    ordered: list[Scan] = []
    rest = list(scans)
    while rest:
        first = next(scan for scan in rest if not any(other.is_before(scan) for other in rest))
        ordered.append(first)
        rest.remove(first)
    return ordered


def day_of(text: str) -> date:
    """ "2026-05-12", or "2026-05" for the middle of that month.

    Raises:
        BadInput: no such day.
    """
    try:
        if not re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", text):
            raise ValueError
        return date.fromisoformat(text if len(text) == len("2026-05-12") else f"{text}-{MID_MONTH}")
    except ValueError:
        raise BadInput(
            f"{text!r} is no date; write it as 2026-05-12, or 2026-05 where only the month is known."
        ) from None
