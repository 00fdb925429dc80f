"""How far a cohort is: in words, as a bar, and as lines for other programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cohort.invented_rows import measured, rows
from OpportunisticBMDLib.cli.cohort_progress import reported
from OpportunisticBMDLib.cli.program import main
from OpportunisticBMDLib.cohort.manifest import Manifest
from OpportunisticBMDLib.cohort.place import Place
from OpportunisticBMDLib.cohort.row import FAILED, Row
from OpportunisticBMDLib.cohort.status import in_words

BROKEN = Row("b", FAILED, message="b.nrrd is damaged.")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A hundred of a hundred and fifty CTs, in two parts that lie half an hour apart."""
    place = Place(tmp_path)
    with place.held():
        place.enter({}, 150)
        manifest, some = Manifest(place.manifest), rows(100)
        manifest.append(some[:60])
        manifest.append(some[60:])
    os.utime(manifest.parts[0], (1000.0, 1000.0))
    os.utime(manifest.parts[1], (2800.0, 2800.0))
    return place


def test_it_says_how_many_are_done_and_why_others_failed(place: Place):
    told = "\n".join(in_words(place))
    assert "100 of 150 CTs done, 50 left" in told and "the same command goes on" in told
    assert "thick_slices: Thick slices blur" in told and "… is damaged or no NIfTI file: copy it again." in told


def test_while_it_is_measured_it_says_how_fast(place: Place):
    with place.held():
        assert "It is being measured: 80 CTs an hour, 0.6 hours left." in in_words(place)


def test_before_there_are_parts_it_says_so(tmp_path: Path):
    place = Place(tmp_path)
    with place.held():
        place.enter({}, 5)
        told = list(in_words(place))
    assert "0 of 5 CTs done, 5 left" in told[0] and "will be known" in told[1]


def test_the_command_tells_it(place: Place, capsys):
    assert main(["cohort", "status", str(place.folder)]) == 0
    assert "100 of 150 CTs done" in capsys.readouterr().out
    assert main(["cohort", "status", str(place.folder / "cases")]) == 2
    assert "holds no cohort" in capsys.readouterr().err
    assert main(["cohort", "stat", str(place.folder)]) == 2
    assert "write status or report" in capsys.readouterr().err


def test_lines_for_other_programs(capsys):
    with reported("json", total=12, left=2) as hear:
        hear(measured("a"))
        hear(BROKEN)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["name"], first["status"], first["done"], first["total"]) == ("a", "measured", 11, 12)
    assert (second["done"], second["failed"], second["left_s"]) == (12, 1, 0)
    assert first["per_hour"] > 0 and first["left_s"] >= 0


def test_a_bar_for_people(capsys):
    with reported("bar", total=12, left=2) as hear:
        hear(measured("a"))
        hear(BROKEN)
    shown = capsys.readouterr().err
    assert "12 of 12 CTs" in shown and "/h" in shown and "1 failed" in shown


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["CTS"], "Say with -o"),
        (["CTS", "-o", "CTS/out"], "would be taken for a CT"),
        (["CTS", "-o", "out", "--jobs", "0"], "--jobs is 0"),
        (["CTS", "-o", "out", "--kvp", "3"], "--kvp is 3"),
        (["nowhere", "-o", "out"], "does not exist"),
        (["CTS/a.txt", "-o", "out"], "neither a folder nor a list"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_made(tmp_path: Path, monkeypatch, capsys, words: list[str], why: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "CTS").mkdir()
    (tmp_path / "CTS" / "a.txt").touch()
    assert main(["cohort", *words]) == 2
    assert why in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("package", ["ray", "pyarrow"])
def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path, monkeypatch, capsys, package: str):
    monkeypatch.setattr(
        "OpportunisticBMDLib.cli.installed.find_spec", lambda name: None if name == package else object()
    )
    assert main(["cohort", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert f"needs {package}" in (said := capsys.readouterr().err) and "pip install 'opportunistic-bmd[cohort]'" in said
