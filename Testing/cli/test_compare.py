"""`opportunistic-bmd compare` as a user meets it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from example_results import acquisition, former, normal, refused, vertebra
from OpportunisticBMDLib.cli import main
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.results.json_file import as_json

SCANNER = acquisition(scanner="SIEMENS SOMATOM", contrast_agent="")
OLD = replace(normal(), acquisition=SCANNER)
LOST = {name: vertebra(bmd, name=name) for name, bmd in (("T12", 140.0), ("L1", 134.0), ("L2", 130.6))}
NEW = replace(OLD, vertebrae=LOST, bmd_mg_cm3=132.3)


def folder(path: Path, result: Result) -> Path:
    path.mkdir()
    (path / "result.json").write_text(json.dumps(as_json(result)), encoding="utf-8")
    return path


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return [str(folder(Path(name), result)) for name, result in (("old", OLD), ("new", NEW))]


def test_a_loss_is_told_with_its_rate_and_its_limit(two, capsys):
    assert main(["compare", *two, "--dates", "2024-05-12", "2026-05-12"]) == 0
    said = capsys.readouterr().out
    assert "Changed by −20.0 mg/cm³ (−13.1 %, −10.0 a year), from 152.3 to 132.3 (mean of L1 and L2)" in said
    assert "2024-05-12 (old)" in said and "T12 −18.2, L1 −20.0, L2 −20.0" in said
    assert "for you to know" in said and "For research" in said


def test_the_same_result_twice_is_within_measurement_error(two, capsys):
    assert main(["compare", two[0], str(folder(Path("copy"), OLD))]) == 0
    said = capsys.readouterr().out
    assert "Within measurement error: 0.0 mg/cm³" in said and "does not mean that the bone has not changed" in said


def test_a_month_that_was_kept_orders_the_scans(tmp_path, capsys):
    later = folder(
        tmp_path / "later", replace(NEW, acquisition=replace(SCANNER, scanned_on="2026-05-30", month_asked=True))
    )
    first = folder(
        tmp_path / "first", replace(OLD, acquisition=replace(SCANNER, scanned_on="2024-05-01", month_asked=True))
    )
    assert main(["compare", str(later), str(first)]) == 0
    said = capsys.readouterr().out
    assert "−10.0 a year" in said and "2024-05 (" in said and "2026-05-30" not in said


def test_the_day_of_a_ct_is_in_no_result_unless_its_month_is_asked_for():
    document = as_json(replace(OLD, acquisition=replace(SCANNER, scanned_on="2026-05-30")))
    assert "2026-05" not in json.dumps(document) and document["input"]["month"] is None
    document = as_json(replace(OLD, acquisition=replace(SCANNER, scanned_on="2026-05-30", month_asked=True)))
    assert document["input"]["month"] == "2026-05" and "05-30" not in json.dumps(document)


def test_a_table_a_document_and_a_page_say_the_same(two):
    for ending in ("csv", "json", "html"):
        assert main(["compare", *two, "-o", f"changes.{ending}"]) == 0
    (change,) = json.loads(Path("changes.json").read_text(encoding="utf-8"))["changes"]
    assert change["change_mg_cm3"] == -20.0 and change["verdict"] == "changed" and change["days"] is None
    (row,) = csv.DictReader(io.StringIO(Path("changes.csv").read_text(encoding="utf-8")))
    assert row["change_mg_cm3"] == "-20.0" and row["change_of_vertebrae_mg_cm3_L1"] == "-20.0"
    assert float(row["least_significant_change_mg_cm3"]) == change["least_significant_change_mg_cm3"]
    page = Path("changes.html").read_text(encoding="utf-8")
    assert "−20.0" in page and "http" not in page.replace("http-equiv", "")


def test_what_comes_from_outside_is_escaped_in_the_page(tmp_path, two):
    evil = replace(NEW, acquisition=replace(SCANNER, kernel="<script>", scanner="<b>"))
    assert main(["compare", two[0], str(folder(tmp_path / "evil", evil)), "-o", "changes.html"]) == 0
    page = Path("changes.html").read_text(encoding="utf-8")
    assert "<script>" not in page and "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["old"], "One result alone"),
        (["old", "none"], "none cannot be read"),
        (["old", "refused"], "was refused"),
        (["old", "former"], "former scale"),
        (["old", "broken"], "no result.json"),
        (["old", "new", "--dates", "2024-05-12"], "2 results and 1 dates"),
        (["old", "new", "--dates", "2024-05-12", "soon"], "'soon' is no date"),
        (["old", "new", "-o", "changes.txt"], "end its name with .csv, .json, .html"),
        (["old", "old"], "old and old are the same file; name an earlier and a later result."),
        (["old", "new", "link/../old/result.json"], "old and link/../old/result.json are the same file"),
        (["old", "link"], "old and link are the same file"),
    ],
)
def test_what_cannot_be_compared_is_one_plain_line_and_exit_2(two, arguments, why, capsys):
    folder(Path("refused"), refused())
    version_1 = as_json(former())
    version_1["scale"] = "former"
    Path("former").mkdir()
    Path("former/result.json").write_text(json.dumps(version_1), encoding="utf-8")
    Path("broken").write_bytes(b"\xff{")
    Path("link").symlink_to("old")
    assert main(["compare", *arguments]) == 2
    told = capsys.readouterr()
    assert why in told.err and len(told.err.splitlines()) == 1 and not told.out
    assert not list(Path().glob("changes.*"))


@pytest.mark.parametrize("options", [["--age", "63"], ["--sex", "male"], ["--age", "-3", "--sex", "male"]])
def test_age_and_sex_belong_together(options, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["compute", "no-such-ct", *options]) == 2
    assert "age" in capsys.readouterr().err and not list(tmp_path.iterdir())
