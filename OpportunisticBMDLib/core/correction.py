"""A step between what a CT reads and the density that is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Correction:
    """BMD = scale x reading + shift, in mg/cm3 of HA.

    Args:
        cause: what is corrected for, e.g. "portal venous contrast".
        sd_mg_cm3: of the error that remains after it; of the error itself where it is not applied.
        is_applied: False where it is only named: the density that is shown is what was read.
        source: where it was published or measured.
    """

    cause: str
    scale: float
    shift_mg_cm3: float
    sd_mg_cm3: float
    is_applied: bool
    source: str

    def bmd(self, read_mg_cm3: float) -> float:
        """The density that is shown for a reading."""
        return self.scale * read_mg_cm3 + self.shift_mg_cm3 if self.is_applied else read_mg_cm3

    def amount(self, read_mg_cm3: float) -> float:
        """What is added to a reading, or would be; below 0 where it is taken off."""
        return self.scale * read_mg_cm3 + self.shift_mg_cm3 - read_mg_cm3
