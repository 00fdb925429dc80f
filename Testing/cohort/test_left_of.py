"""What is still to be measured: a CT is done from the moment in which its row lies in its folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cohort.invented_rows import measured
from OpportunisticBMDLib.cohort.attempts import begin
from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.cohort.manifest import Manifest
from OpportunisticBMDLib.cohort.place import Place
from OpportunisticBMDLib.cohort.row import FAILED, ROW, keep
from OpportunisticBMDLib.cohort.run import left_of

CASES = [Case(name, Path(f"{name}.nii.gz")) for name in "abcd"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Where `a` is in the manifest, and `b` was finished by a run that was killed before it was."""
    place = Place(tmp_path)
    for folder in (place.cases, place.manifest, place.attempts):
        folder.mkdir()
    Manifest(place.manifest).append([measured("a")])
    keep(place.of("b"), measured("b"))
    place.of("c").mkdir()
    (place.of("c") / ROW).write_text("half")
    return place


def names(cases: list[Case]) -> str:
    return "".join(case.name for case in cases)


def test_what_a_killed_run_has_finished_is_taken_over_once(place: Place):
    assert names(left_of(CASES, place)) == "cd"
    assert names(left_of(CASES, place)) == "cd"
    assert Manifest(place.manifest).table()["name"].to_pylist() == ["a", "b"]


def test_what_may_have_ended_a_process_comes_last(place: Place):
    begin(place.attempts, "c")
    assert names(left_of(CASES, place)) == "dc"


def test_failed_cts_are_measured_again_where_that_is_asked_for(place: Place):
    failed = [replace(measured(name), status=FAILED) for name in "cd"]
    keep(place.of("c"), failed[0])
    keep(place.of("d"), failed[1])
    Manifest(place.manifest).append(failed[1:])
    assert names(left_of(CASES, place)) == ""
    assert names(left_of(CASES, place, retry=True)) == "cd"
    assert names(left_of(CASES, place)) == "cd"


def test_a_manifest_part_that_was_removed_is_made_anew(place: Place):
    keep(place.of("a"), measured("a"))
    for part in Manifest(place.manifest).parts:
        part.unlink()
    assert names(left_of(CASES, place)) == "cd"
    assert Manifest(place.manifest).names() == {"a", "b"}
