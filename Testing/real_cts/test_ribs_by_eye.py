"""The ribs that are seen on real CTs are those that a person sees: ribs_by_eye.csv was read from pictures of them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.levels import Levels
from OpportunisticBMDLib.pipeline import Pipeline
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDTraining.public_cts import LOCAL, PUBLIC_CTS

TABLE = Path(__file__).with_name("ribs_by_eye.csv")
LEAST_RIGHT, LEAST_TOLD = 0.97, 0.9
PITCH_MM = 30.0  # about a vertebra

pytestmark = pytest.mark.slow


def rows() -> dict[str, list[dict[str, str]]]:
    """The table by CT."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        table: dict[str, list[dict[str, str]]] = {}
        for row in csv.DictReader(file):
            table.setdefault(row["ct"], []).append(row)
    return table


def path_of(name: str, real_ct: Callable[[str], Path]) -> Path | None:
    """Where a CT is; None for one that no package publishes where it is not at hand."""
    if name in PUBLIC_CTS:
        return real_ct(name) / "ct.nii.gz"
    return next(iter((LOCAL / "unlabelled").glob(f"{name}.*")), None)


@pytest.fixture(scope="module")
def chain() -> Pipeline:
    return Pipeline.load()


@pytest.fixture(scope="module")
def seen(chain: Pipeline, real_ct: Callable[[str], Path]) -> dict[str, tuple[CT, Box, Levels]]:
    """CT, the localizer's box and the levels of every CT of the table that is at hand."""
    found = {}
    for name in rows():
        path = path_of(name, real_ct)
        if path is not None:
            ct = read_ct(path)
            box = chain.localizer(ct.volume)
            found[name] = ct, box, chain.levels(ct.volume, box)
    return found


def outcomes(seen: dict[str, tuple[CT, Box, Levels]]) -> Iterator[str]:
    for name, table in rows().items():
        for row in table if name in seen else ():
            vertebra = seen[name][2].find(row["vertebra"])
            for side in ("right", "left"):
                state = getattr(vertebra, side).state if vertebra else "not found"
                if state == "remnant" or row[side] == "remnant":
                    yield "neither"
                else:
                    yield state if state == "cannot tell" else "right" if state == row[side] else "wrong"


def test_present_or_absent_is_right(seen: dict[str, tuple[CT, Box, Levels]]) -> None:
    found = Counter(outcomes(seen))
    told = found["right"] + found["wrong"]
    assert found["right"] / told >= LEAST_RIGHT, found
    assert told / (told + found["cannot tell"]) >= LEAST_TOLD, found


@pytest.mark.parametrize("off", [-1, 1])
def test_the_names_stay_where_the_localizer_is_one_vertebra_off(
    chain: Pipeline, seen: dict[str, tuple[CT, Box, Levels]], off: int
) -> None:
    for name, (ct, box, levels) in seen.items():
        moved = Box(box.ras_mm + [[0.0], [0.0], [off * PITCH_MM]], box.score)
        again = chain.levels(ct.volume, moved)
        if again.probability < 0.95:
            continue  # said to be unsure
        before, after = levels.find("L1"), again.find("L1")
        assert abs(before.centre_ras_mm[2] - after.centre_ras_mm[2]) < PITCH_MM / 2, name
