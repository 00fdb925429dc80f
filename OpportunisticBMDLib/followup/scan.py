"""One of several results of a patient, and when its CT was made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

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

    Raises:
        BadInput: the result has no density, or one on the former scale.
    """

    name: str
    result: Result
    day: date | None = None
    is_month: bool = False

    def __post_init__(self) -> None:
        if self.result.scale == FORMER:
            raise BadInput(
                f"{self.name} is on the former scale, about 20 mg/cm3 above that of today; measure its CT again."
            )
        if self.result.bmd_mg_cm3 is None:
            raise BadInput(f"{self.name} was refused and has no density; compare results that have one.")

    @classmethod
    def of(cls, name: str, result: Result) -> Scan:
        """A result with the month that it tells, if it tells one."""
        month = result.acquisition.month
        return cls(name, result) if month is None else cls.on(name, result, month)

    @classmethod
    def on(cls, name: str, result: Result, when: str) -> Scan:
        """A result of a day, "2026-05-12", or of a month, "2026-05".

        Raises:
            BadInput: no such day.
        """
        return cls(name, result, day_of(when), is_month=len(when) == len("2026-05"))

    @property
    def when(self) -> str | None:
        """ "2026-05-12", or "2026-05"; None where it is not known."""
        return None if self.day is None else self.day.strftime("%Y-%m" if self.is_month else "%Y-%m-%d")


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
