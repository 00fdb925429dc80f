"""Children are refused; adults and patients of unknown age are not."""

from __future__ import annotations

import pytest

from seen_scans import seen, told


@pytest.mark.parametrize("age", [18.0, 80.0, None])
def test_an_adult_is_measured(age):
    assert told(seen(age_years=age), "child") == []


@pytest.mark.parametrize("age", [0.5, 12.0, 17.9])
def test_a_child_is_refused_without_telling_the_age(age):
    (reason,) = told(seen(age_years=age), "child")
    assert (reason.severity, reason.figure) == ("refusal", None)
