"""The file of lines: what is kept comes back, once; several programs write it; what is damaged is said."""

from __future__ import annotations

import multiprocessing
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from OpportunisticBMDLib.core.ct import ImageKind
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.scanners.registry import ScannerRegistry, registry_path
from phantom_lines import line_of_day, scan_of

AT_ONCE, EACH = 4, 5


@pytest.fixture
def registry(tmp_path: Path) -> ScannerRegistry:
    return ScannerRegistry(tmp_path / "data" / "scanners.sqlite")


def test_asking_makes_no_file(registry):
    assert registry.all() == [] and registry.line_for(scan_of()) is None
    assert not registry.path.parent.exists()


def test_what_is_entered_comes_back(registry):
    measured = line_of_day("2026-05-12", energy_kev=70.0, image_kind=ImageKind.MONOENERGETIC, slice_thickness_mm=1.25)
    assert registry.enter(measured)
    (one,) = registry.all()
    kept = replace(measured.scan, path="phantom", format="phantom", series_instance_uid=None)
    assert (one.number, one.measured) == (1, replace(measured, scan=kept))


def test_nothing_of_the_scan_itself_is_in_the_file(registry):
    measured = line_of_day("2026-05-12")
    private = {"path": "Smith-CT", "series_instance_uid": "1.2.840.7", "series_description": "Smith"}
    registry.enter(replace(measured, scan=replace(measured.scan, **private)))
    content = registry.path.read_bytes()
    assert b"Aquilion" in content
    assert not any(text.encode() in content for text in private.values())


def test_the_same_scan_measured_again_replaces_its_line(registry):
    measured = line_of_day("2026-05-12")
    better = replace(measured, line=replace(measured.line, slope_hu_per_mg_cm3=1.5))
    assert registry.enter(measured) and not registry.enter(better)
    (one,) = registry.all()
    assert one.line.slope_hu_per_mg_cm3 == 1.5


def test_a_scan_is_the_same_by_its_series_or_by_what_was_seen():
    one, other = line_of_day("2026-05-12"), line_of_day("2026-05-13")
    nameless = [replace(line, key="", scan=replace(line.scan, series_instance_uid=None)) for line in (one, other)]
    assert one.key == replace(one, key="", inserts=()).key
    assert len({one.key, other.key, *(line.key for line in nameless)}) == 4
    assert nameless[0].key == replace(nameless[0], key="").key


def test_lines_are_forgotten_by_their_numbers_all_or_none(registry):
    for day in ("2026-01-01", "2026-02-01", "2026-03-01"):
        registry.enter(line_of_day(day))
    with pytest.raises(BadInput, match="There is no line 9"):
        registry.forget([1, 9])
    assert [one.number for one in registry.all()] == [1, 2, 3]
    registry.forget([1, 3])
    registry.enter(line_of_day("2026-04-01"))
    assert [one.number for one in registry.all()] == [2, 4]  # no number is given twice


def _enter(path: Path, writer: int) -> None:
    for n in range(EACH):
        ScannerRegistry(path).enter(line_of_day(f"20{writer + 10}-01-{n + 1:02}"))


def test_programs_that_write_at_once_lose_nothing(registry):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_enter, args=(registry.path, n)) for n in range(AT_ONCE)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len({one.measured.key for one in registry.all()}) == AT_ONCE * EACH


def test_a_writer_that_waits_in_vain_says_so(registry, monkeypatch):
    registry.enter(line_of_day("2026-01-01"))
    monkeypatch.setattr("OpportunisticBMDLib.scanners.registry.WAIT_S", 0.05)
    with sqlite3.connect(registry.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BadInput, match=r"cannot be used now \(database is locked\): try again"):
            registry.enter(line_of_day("2026-02-01"))
    other.close()


def of_a_newer_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()


def of_another_program(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE history (url TEXT)")
    connection.close()


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:700])


def no_database(path: Path) -> None:
    path.write_text("scanner;slope\n" * 100, encoding="utf-8")


def with_an_impossible_line(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE measurement SET line_slope_hu_per_mg_cm3 = -1")
    connection.close()


def with_inserts_that_are_none(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE measurement SET inserts = '[[]]'")
    connection.close()


DAMAGES = (
    of_a_newer_version,
    of_another_program,
    torn,
    no_database,
    with_an_impossible_line,
    with_inserts_that_are_none,
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_cannot_be_read_is_said_in_one_sentence_and_left_as_it_is(registry, damage):
    registry.enter(line_of_day("2026-05-12"))
    damage(registry.path)
    content = registry.path.read_bytes()
    with pytest.raises(
        BadInput, match=r"holds no registry of scanners that can be read \(.+\): move it away, then .*\.$"
    ):
        registry.line_for(scan_of())
    assert registry.path.read_bytes() == content


def test_an_empty_file_is_an_empty_registry(registry):
    registry.path.parent.mkdir()
    registry.path.touch()
    assert registry.all() == []
    assert registry.enter(line_of_day("2026-05-12")) and len(registry.all()) == 1


def test_the_environment_may_name_the_file(monkeypatch, tmp_path):
    monkeypatch.setenv("OPPORTUNISTIC_BMD_SCANNERS", str(tmp_path / "mine.sqlite"))
    assert registry_path() == tmp_path / "mine.sqlite"
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "me"))
    monkeypatch.setenv("OPPORTUNISTIC_BMD_SCANNERS", str(Path("~", "shared", "mine.sqlite")))
    assert registry_path() == tmp_path / "me" / "shared" / "mine.sqlite"
    monkeypatch.delenv("OPPORTUNISTIC_BMD_SCANNERS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert registry_path() == tmp_path / "opportunistic-bmd" / "scanners.sqlite"
