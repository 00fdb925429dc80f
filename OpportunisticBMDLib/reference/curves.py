"""What published populations read by age. Only published figures; straight lines between them, and none beyond.

Two things to mind, which no figure here corrects:

- China Biobank published two ages. Women lose most around the menopause, so that the straight line between is too low
  before and too high after it. Of another population (1,603 adults, Pickhardt 2019, Br J Radiol 92:20180726) the means
  at 50 and 70 years lie within 12 mg/cm3 of it.
- In the L1 cohort 11,270 readings were made by a program, which read 21 HU (16 mg/cm3) more than people did in the
  same bodies. A reading like a person's may therefore lie up to 9 mg/cm3 lower than the cohort's mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.materials import HA_HU_PER_MG_CM3, ha_of
from OpportunisticBMDLib.core.standing import OLDEST, Person, Sex

CHINA_SOURCE = (
    "Cheng et al. 2021, J Bone Miner Res 36:427 (40,733 men, 28,362 women; low-dose chest CT, L1 and L2); the means "
    "at 30 to 34 and at 80 years, K2HPO4 converted to HA"
)
L1_SOURCE = (
    "Jang et al. 2019, Radiology 291:360 (20,374 adults, both sexes, 120 kVp, 21 % with contrast agent); mean and SD "
    "below 30 and from 90 years, HU of L1 divided by 1.28; 55 % of the readings by a program that reads 21 HU higher"
)


@dataclass(frozen=True)
class Curve:
    """Means of a population by age, linear between the ages that were published.

    Args:
        sex: None where both were counted together.
        levels: the vertebrae whose mean was read.
        ages: published ones, in years; the first and the last are the youngest and the oldest that it knows.
        means_mg_cm3, sds_mg_cm3: of HA, at these ages; no SDs where none were published.
        published: (from, to), years: the ranges of age that the means are of.
    """

    population: str
    sex: Sex | None
    levels: tuple[str, ...]
    ages: tuple[float, ...]
    means_mg_cm3: tuple[float, ...]
    sds_mg_cm3: tuple[float, ...] | None
    published: tuple[tuple[float, float], ...]
    source: str

    def covers(self, age_years: float) -> bool:
        return self.ages[0] <= age_years <= self.ages[-1]

    def mean(self, age_years: float) -> float:
        return float(np.interp(age_years, self.ages, self.means_mg_cm3))

    def sd(self, age_years: float) -> float | None:
        return None if self.sds_mg_cm3 is None else float(np.interp(age_years, self.ages, self.sds_mg_cm3))

    def is_published(self, age_years: float) -> bool:
        """Whether the mean is of this very age, and not between two others."""
        return any(first <= age_years <= last for first, last in self.published)


def _china(sex: Sex, peak_k2hpo4: float, at_80_k2hpo4: float) -> Curve:
    peak, at_80 = ha_of(peak_k2hpo4), ha_of(at_80_k2hpo4)
    return Curve(
        population="China Biobank",
        sex=sex,
        levels=("L1", "L2"),
        ages=(30, 34, 80),
        means_mg_cm3=(peak, peak, at_80),
        sds_mg_cm3=None,
        published=((30, 34), (80, 80)),
        source=CHINA_SOURCE,
    )


def _of_hu(*values: float) -> tuple[float, ...]:
    """HU at 120 kVp -> mg/cm3 HA; 0 HU is 0."""
    return tuple(value / HA_HU_PER_MG_CM3 for value in values)


CURVES = (
    _china("female", 185.4, 62.4),
    _china("male", 176.6, 92.1),
    Curve(
        population="L1 of 20,374 adults",
        sex=None,
        levels=("L1",),
        ages=(18, 29, OLDEST),
        means_mg_cm3=_of_hu(226, 226, 89),
        sds_mg_cm3=_of_hu(44, 44, 38),
        published=((18, 29), (OLDEST, OLDEST)),
        source=L1_SOURCE,
    ),
)


def curves_of(person: Person) -> tuple[Curve, ...]:
    """Those that somebody of this age and sex can be held against."""
    return tuple(curve for curve in CURVES if curve.sex in (None, person.sex) and curve.covers(person.age_years))
