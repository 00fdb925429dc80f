"""Names of CTs: safe in a file name everywhere, and never two alike."""

from __future__ import annotations

import pytest

from OpportunisticBMDLib.cohort.case import Case, is_safe, named_twice, safe
from OpportunisticBMDLib.core.standing import Person


@pytest.mark.parametrize("name", ["a", "scan 12", "1.2.840.113", "Größe", "p-01_v2+late@3=x", "x" * 100])
def test_a_harmless_name_stays_as_it_is(name: str):
    assert is_safe(name) and safe(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../up",
        "a/b",
        "a\\b",
        "a\n",
        "\u202etxt",
        "-rf",
        "a.",
        "a ",
        " a",
        "nul\0",
        "x" * 101,
        "中" * 80,  # 240 bytes
        "𠀀" * 100,
        "a\udcffb",
    ],
)
def test_others_become_harmless_and_stay_different(name: str):
    assert not is_safe(name)
    assert is_safe(safe(name)) and safe(name) != safe(f"{name}?")


def test_names_that_differ_in_small_and_capital_letters_share_a_folder_on_some_systems():
    assert named_twice(["a", "A", "b"]) == {"a", "A"}


def test_age_and_sex_are_looked_up_only_together(tmp_path):
    assert Case("a", tmp_path, age_years=60, sex="female").person == Person(60, "female")
    assert Case("a", tmp_path, age_years=60).person is None
