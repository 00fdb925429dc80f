"""The folder of a cohort: one process at a time, and one way of measuring."""

from __future__ import annotations

from pathlib import Path

import pytest

from OpportunisticBMDLib.cohort.attempts import attempts, begin, end
from OpportunisticBMDLib.cohort.place import Place
from OpportunisticBMDLib.core.errors import BadInput

SETTINGS = {"source": "/cts", "kvp": None}


def test_a_second_process_is_told_to_wait(tmp_path: Path):
    place = Place(tmp_path / "new")
    assert not place.is_held
    with place.held():
        assert place.is_held
        with pytest.raises(BadInput, match="Another process"), place.held():
            pass
    with place.held():
        pass


def test_what_is_measured_otherwise_does_not_get_into_one_cohort(tmp_path: Path):
    place = Place(tmp_path)
    place.enter(SETTINGS, 3)
    place.enter(SETTINGS, 4)
    assert place.noted("cases") == 4 and place.noted("settings") == SETTINGS
    with pytest.raises(BadInput, match="kvp is not given, not 100"):
        place.enter(SETTINGS | {"kvp": 100.0}, 4)
    with pytest.raises(BadInput, match="source is /cts, not /others"):
        place.enter(SETTINGS | {"source": "/others"}, 4)


def test_another_folder_is_no_cohort(tmp_path: Path):
    with pytest.raises(BadInput, match="holds no cohort"):
        Place(tmp_path).noted("cases")
    Place(tmp_path).document.write_text("{}")
    with pytest.raises(BadInput, match="holds no cohort"):
        Place(tmp_path).noted("cases")


def test_attempts_are_counted_until_they_end(tmp_path: Path):
    assert [begin(tmp_path, "a") for _ in range(3)] == [0, 1, 2]
    assert attempts(tmp_path, "a") == 3 and attempts(tmp_path, "b") == 0
    end(tmp_path, "a")
    end(tmp_path, "a")
    assert attempts(tmp_path, "a") == 0
