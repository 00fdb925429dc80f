"""A result.json that was changed anywhere is read as a result that can be shown, or refused in one sentence."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from example_levels import unsure
from example_results import EXAMPLES, normal
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results.json_file import as_json, result_from_json, result_from_text
from OpportunisticBMDLib.results.report import render_report

ODD = (
    None, True, False, 0, 1, -1, 2, 5, -1e30, 1e308, 10**400, float("nan"), float("inf"), "", "x", "L1", "1", "mm",
    "\ud800", "\x1b[31m", [], {}, [1], ["L1", "L1"], [[]], [None] * 3, [1, 2, 3], {"a": 1}, [{}], "refused", "measured",
)  # fmt: skip


def documents() -> list[dict[str, Any]]:
    from dataclasses import replace

    named = [as_json(make()) for make in EXAMPLES.values()]
    return [*named, as_json(replace(normal(), levels=unsure()))]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document with every key in it."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def mutated(document: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """With one to three entries replaced, removed, or put where another was."""
    changed = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        container, key = rng.choice(list(places(changed)))
        kind = rng.random()
        if kind < 0.15:
            del container[key]
        elif kind < 0.3:
            other, there = rng.choice(list(places(document)))
            container[key] = copy.deepcopy(other[there])
        else:
            container[key] = copy.deepcopy(rng.choice(ODD))
    return changed


def test_what_was_changed_anywhere_is_refused_or_can_be_shown():
    rng, whole, refused = random.Random(16), documents(), 0
    for number in range(1500):
        document = mutated(whole[number % len(whole)], rng)
        try:
            result = result_from_json(document)
        except BadInput as error:
            assert str(error).isprintable()
            refused += 1
            continue
        text = json.dumps(as_json(result), allow_nan=False, ensure_ascii=False)
        assert result_from_text(text).status == result.status
        render_report(result, b"").encode("utf-8")
        assert result.network_bmd_mg_cm3 is None or isinstance(result.network_bmd_mg_cm3, float)
    assert refused > 500


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a":' * 100_000, "[]", "5", "null", "9" * 5000])
def test_what_is_no_result_is_refused(text):
    with pytest.raises(BadInput, match=r"result\.json"):
        result_from_text(text)


def test_the_place_of_a_fault_is_named():
    document = as_json(normal())
    document["vertebrae"]["L2"]["region_ras_mm"]["centre"][1] = "front"
    with pytest.raises(BadInput, match=r"vertebrae\.L2\.region_ras_mm\.centre\[1\] is not a number"):
        result_from_json(document)


def test_a_refusal_with_a_density_is_none():
    with pytest.raises(BadInput, match="a refused result has a density"):
        result_from_json(as_json(normal()) | {"status": "refused"})


def test_a_density_of_no_vertebra_is_none():
    with pytest.raises(BadInput, match="the density of a result is of no vertebra"):
        result_from_json(as_json(normal()) | {"vertebrae_used": []})
