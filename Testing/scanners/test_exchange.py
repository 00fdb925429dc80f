"""The registry as one file, for others."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results.line_file import write_line
from OpportunisticBMDLib.scanners.exchange import read_lines, write_lines
from OpportunisticBMDLib.scanners.registry import ScannerRegistry
from phantom_lines import line_of_day


@pytest.fixture
def exported(tmp_path):
    registry = ScannerRegistry(tmp_path / "first.sqlite")
    for day in ("2026-01-01", "2026-02-01"):
        registry.enter(line_of_day(day))
    write_lines(tmp_path / "lines.json", registry.all())
    return registry, tmp_path / "lines.json"


def test_lines_reach_another_registry_once(exported, tmp_path):
    registry, file = exported
    other = ScannerRegistry(tmp_path / "second.sqlite")
    other.enter(line_of_day("2026-02-01"))
    assert [other.take(read_lines(file)) for _ in range(2)] == [1, 0]
    assert {one.measured for one in other.all()} == {one.measured for one in registry.all()}


def test_the_file_that_calibrate_writes_is_taken_too_and_is_the_same_scan(exported, tmp_path):
    registry, _ = exported
    write_line(tmp_path / "line.json", line_of_day("2026-02-01"))
    write_line(tmp_path / "new.json", line_of_day("2026-03-01"))
    assert [registry.take(read_lines(tmp_path / name)) for name in ("line.json", "new.json")] == [0, 1]


def test_a_line_of_no_known_scanner_is_refused(tmp_path):
    measured = line_of_day("2026-02-01")
    write_line(tmp_path / "line.json", replace(measured, scan=replace(measured.scan, scanner=None, scanner_id=None)))
    with pytest.raises(BadInput, match="of no known scanner: the scan does not state its scanner"):
        read_lines(tmp_path / "line.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(schema_version=9),
        lambda document: document.update(lines=3),
        lambda document: document["lines"][1]["line"].update(slope_hu_per_mg_cm3=-1),
        lambda document: document["lines"][1]["scan"].update(date="12.5.26"),
        lambda document: document["lines"][1].update(inserts=None),
    ],
)
def test_a_file_that_cannot_be_is_refused_as_a_whole(exported, tmp_path, change):
    _, file = exported
    document = json.loads(file.read_text(encoding="utf-8"))
    change(document)
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(BadInput, match=r"lines.json holds no lines of scanners \(.*\); correct it"):
        read_lines(file)
