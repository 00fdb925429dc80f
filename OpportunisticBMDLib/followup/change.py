"""From one scan of a patient to a later one: by how much the density of the same vertebrae changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.followup.cautions import cautions
from OpportunisticBMDLib.followup.precision import Precision, precision_of
from OpportunisticBMDLib.followup.scan import Scan, in_order
from OpportunisticBMDLib.stages.summarise import LEAST, PREFERRED

YEAR_DAYS = 365.25
LEAST_DAYS = 180  # for a change a year: over less, the error of measuring would be multiplied


@dataclass(frozen=True, eq=False)
class Change:
    """What happened between two scans, in mg/cm3 of HA.

    Args:
        vertebrae: those that the means are of, the same in both.
        before_mg_cm3, after_mg_cm3: the means.
        of_vertebra: the change of each vertebra that has a density in both.
        precision: how far the means would differ without a change.
        days: between the CTs, months counted from their middle; None where they are not known, as within one month.
        cautions: what both do not have in common, and what each is warned of; sentences.
    """

    before: Scan
    after: Scan
    vertebrae: tuple[str, ...]
    before_mg_cm3: float
    after_mg_cm3: float
    of_vertebra: dict[str, float]
    precision: Precision
    days: int | None
    cautions: tuple[str, ...]

    @property
    def by_mg_cm3(self) -> float:
        return self.after_mg_cm3 - self.before_mg_cm3

    @property
    def percent(self) -> float | None:
        """Of the earlier density; None where that is near 0, where a share means nothing."""
        return 100 * self.by_mg_cm3 / self.before_mg_cm3 if self.before_mg_cm3 >= 10 else None

    @property
    def by_mg_cm3_a_year(self) -> float | None:
        """None where the days are not known, or are too few."""
        return None if self.days is None or self.days < LEAST_DAYS else self.by_mg_cm3 * YEAR_DAYS / self.days

    @property
    def is_significant(self) -> bool:
        """Whether it is more than the least significant change."""
        return abs(self.by_mg_cm3) > self.precision.least_significant_change


def changes(scans: Sequence[Scan], *, same_scanner: bool = False) -> tuple[Change, ...]:
    """From the first scan to each later one.

    Args:
        scans: they are put into the order of their days, as far as these are known.
        same_scanner: the user knows that all were made on one scanner.

    Raises:
        BadInput: fewer than two scans, or two without a vertebra in common.
    """
    if len(scans) < 2:
        raise BadInput("One result alone shows no change; name an earlier and a later one.")
    first, *later = in_order(scans)
    return tuple(change(first, scan, same_scanner=same_scanner) for scan in later)


def change(before: Scan, after: Scan, *, same_scanner: bool = False) -> Change:
    """Between two scans.

    Raises:
        BadInput: no vertebra has a density in both, or `after` is the earlier one.
    """
    if after.is_before(before):
        raise BadInput(
            f"{before.name} is of {before.when}, later than {after.name} ({after.when}): choose an earlier one."
        )
    old, new = _densities(before.result), _densities(after.result)
    both = [name for name in VERTEBRAE if name in old and name in new]
    if not both:
        raise BadInput(f"{before.name} and {after.name} have no measured vertebra in common, so no change is known.")
    used = _used(both, before.result, after.result)
    return Change(
        before=before,
        after=after,
        vertebrae=used,
        before_mg_cm3=float(np.mean([old[name] for name in used])),
        after_mg_cm3=float(np.mean([new[name] for name in used])),
        of_vertebra={name: new[name] - old[name] for name in both},
        precision=precision_of(before.result, after.result, same_scanner=same_scanner),
        days=_days(before, after),
        cautions=cautions(before, after, used, same_scanner=same_scanner),
    )


def _days(before: Scan, after: Scan) -> int | None:
    """From one to the other; None where it is not known which is the earlier one."""
    if before.day is None or after.day is None:
        return None
    is_known = before.is_before(after) or not (before.is_month or after.is_month)
    return (after.day - before.day).days if is_known else None


def _densities(result: Result) -> dict[str, float]:
    measured = {name: v for name, v in result.vertebrae.items() if isinstance(v, MeasuredVertebra)}
    return {name: v.bmd_mg_cm3 for name, v in measured.items() if isfinite(v.bmd_mg_cm3)}


def _used(both: Sequence[str], before: Result, after: Result) -> tuple[str, ...]:
    """Those that both means are of; else the pair that would be chosen of what both have; else the only one."""
    if before.vertebrae_used == after.vertebrae_used and set(before.vertebrae_used) <= set(both):
        return before.vertebrae_used
    pairs = [pair for pair in PREFERRED if set(pair) <= set(both)]
    return pairs[0] if len(both) >= LEAST else (both[0],)
