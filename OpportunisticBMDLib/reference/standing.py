"""A result among people of the patient's age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite

import numpy as np

from OpportunisticBMDLib.core.result import FORMER, Result
from OpportunisticBMDLib.core.standing import OLDEST, Peers, Person, Standing
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.reference.curves import Curve, curves_of

WHO = {"female": "women", "male": "men", None: "men and women"}


def with_standing(result: Result, person: Person | None) -> Result:
    """The result with where its density lies among people of this age; with nothing of the kind where there is no
    density on the scale of QCT, or nobody gave an age.
    """
    if person is None or result.bmd_mg_cm3 is None or result.scale == FORMER:
        return replace(result, standing=None)
    peers = (_peers(result, person, curve) for curve in curves_of(person))
    return replace(result, standing=Standing(person, tuple(found for found in peers if found is not None)))


def _peers(result: Result, person: Person, curve: Curve) -> Peers | None:
    """None where no vertebra that was read there has a density here."""
    densities = _densities(result, curve.levels)
    if not densities:
        return None
    age = person.age_years
    years = f"{age} years and more" if age == OLDEST else f"{age} years"
    return Peers(
        population=curve.population,
        who=f"{WHO[curve.sex]} of {years}",
        mean_mg_cm3=curve.mean(age),
        sd_mg_cm3=curve.sd(age),
        bmd_mg_cm3=float(np.mean(list(densities.values()))),
        read_in=" and ".join(densities),
        is_interpolated=not curve.is_published(age),
        source=curve.source,
    )


def _densities(result: Result, levels: Sequence[str]) -> dict[str, float]:
    """Of those vertebrae that were measured: T12, which reads higher, stands in for none."""
    found = {name: result.vertebrae.get(name) for name in levels}
    measured = {name: v.bmd_mg_cm3 for name, v in found.items() if isinstance(v, MeasuredVertebra)}
    return {name: bmd for name, bmd in measured.items() if isfinite(bmd)}
