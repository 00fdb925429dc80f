"""Published densities by age: the figures of the papers, on this program's scale."""

from __future__ import annotations

import pytest

from OpportunisticBMDLib.core.materials import k2hpo4_of
from OpportunisticBMDLib.core.standing import Person
from OpportunisticBMDLib.reference import CURVES, curves_of


def curve(population: str, sex: str | None):
    return next(found for found in CURVES if (found.population, found.sex) == (population, sex))


@pytest.mark.parametrize(("sex", "age", "k2hpo4"), [("female", 32, 185.4), ("female", 80, 62.4), ("male", 30, 176.6)])
def test_china_biobank_reads_what_was_published(sex, age, k2hpo4):
    found = curve("China Biobank", sex)
    assert k2hpo4_of(found.mean(age)) == pytest.approx(k2hpo4)
    assert found.is_published(age) and found.sd(age) is None


@pytest.mark.parametrize(("age", "hu", "sd"), [(25, 226, 44), (90, 89, 38)])
def test_the_l1_cohort_reads_what_was_published(age, hu, sd):
    found = curve("L1 of 20,374 adults", None)
    assert (found.mean(age) * 1.28, found.sd(age) * 1.28) == pytest.approx((hu, sd))
    assert found.is_published(age)


def test_between_published_ages_it_is_a_straight_line_and_said_to_be_one():
    found = curve("China Biobank", "male")
    assert found.mean(57) == pytest.approx((found.mean(34) + found.mean(80)) / 2)
    assert not found.is_published(57)


@pytest.mark.parametrize(("sex", "age", "bmd"), [("female", 50, 143.6), ("male", 50, 135.1), ("female", 70, 100.8)])
def test_another_population_lies_within_12_of_the_line_between(sex, age, bmd):
    assert k2hpo4_of(curve("China Biobank", sex).mean(age)) == pytest.approx(bmd, abs=12.5)


@pytest.mark.parametrize(
    ("age", "populations"),
    [(12, []), (25, ["L1"]), (30, ["China", "L1"]), (80, ["China", "L1"]), (81, ["L1"]), (99, ["L1"])],
)
def test_no_curve_goes_beyond_its_ages(age, populations):
    found = [known.population.split()[0] for known in curves_of(Person(age, "female"))]
    assert found == populations
