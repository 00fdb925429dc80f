"""Where a density lies among people of the same age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Sex = Literal["female", "male"]
SEXES: tuple[Sex, ...] = get_args(Sex)
OLDEST = 90  # a greater age may tell who somebody is
MOST_YEARS = 130
ADULT_YEARS = 18


@dataclass(frozen=True)
class Person:
    """Age and sex, as far as reference curves ask for them: given by the user, and written for no other reason.

    Args:
        age_years: whole years at the time of the CT; from 90 on it is 90.

    Raises:
        ValueError: an age that nobody has, or another sex.
    """

    age_years: int
    sex: Sex

    def __post_init__(self) -> None:
        if not 0 <= self.age_years <= MOST_YEARS:
            raise ValueError(f"an age of {self.age_years} years cannot be")
        if self.sex not in SEXES:
            raise ValueError(f"reference curves are of {' and '.join(SEXES)}, not of {self.sex!r}")
        object.__setattr__(self, "age_years", min(int(self.age_years), OLDEST))


@dataclass(frozen=True)
class Peers:
    """What a published population reads at somebody's age, and what was read of him in the same place.

    Args:
        population: e.g. "China Biobank".
        who: of it, e.g. "women of 63 years".
        mean_mg_cm3, sd_mg_cm3: of them, HA; no SD where none was published.
        bmd_mg_cm3: of the patient, HA.
        read_in: the vertebrae that his is of, of those that were read there, e.g. "L1 and L2".
        is_interpolated: the mean is of an age between those that were published.
        source: where it was published, and how it became mg/cm3 of HA.
    """

    population: str
    who: str
    mean_mg_cm3: float
    sd_mg_cm3: float | None
    bmd_mg_cm3: float
    read_in: str
    is_interpolated: bool
    source: str

    @property
    def z_score(self) -> float | None:
        """SDs above their mean; None where no SD was published."""
        return None if self.sd_mg_cm3 is None else (self.bmd_mg_cm3 - self.mean_mg_cm3) / self.sd_mg_cm3


@dataclass(frozen=True)
class Standing:
    """A density among its peers; of no population where none was read at this age."""

    person: Person
    peers: tuple[Peers, ...]
