"""Which ribs each vertebra of a virtual patient bears, by the place of its body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.levels import LEAST_RIB_MM
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.spine import place_vertebrae
from OpportunisticBMDTraining.virtual.true_levels import ribs_of

SAME_MM = 11.0  # from the middle of a body to what was found of it


@dataclass(frozen=True, eq=False)
class TrueVertebra:
    """A vertebra as it was painted.

    Args:
        name: by its shape.
        centre_ras: (3,) mm.
        ribs_mm: lengths of the right and the left rib; 0 where there is none.
    """

    name: str
    centre_ras: np.ndarray
    ribs_mm: tuple[float, float]


def true_vertebrae(parameters: PatientParameters) -> tuple[TrueVertebra, ...]:
    """From head to foot."""
    return tuple(
        TrueVertebra(v.shape.name, v.centre, ribs_of(parameters.body, v.shape.name))
        for v in place_vertebrae(parameters)
    )


def nearest(vertebrae: tuple[TrueVertebra, ...], centre_ras: np.ndarray) -> TrueVertebra | None:
    """The one whose middle lies at a place, RAS mm; None where none does."""
    away = [float(np.linalg.norm(v.centre_ras - centre_ras)) for v in vertebrae]
    best = int(np.argmin(away))
    return vertebrae[best] if away[best] < SAME_MM else None


def rib_class(length_mm: float) -> int:
    """0 = absent, 1 = remnant, 2 = present: places in `evaluate.levels.STATES`."""
    return 0 if length_mm <= 0 else 1 if length_mm < LEAST_RIB_MM else 2
