"""The report of a cohort: what is found in it, and that it is one page."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from pyarrow import parquet

from cohort.invented_rows import DEPARTING, DRIFTING, measured, rows
from OpportunisticBMDLib.cohort import counts
from OpportunisticBMDLib.cohort.manifest import Manifest, to_table
from OpportunisticBMDLib.cohort.place import Place
from OpportunisticBMDLib.cohort.report import write_report
from OpportunisticBMDLib.cohort.report.drift import drifts
from OpportunisticBMDLib.cohort.report.groups import OTHERS, UNKNOWN, groups_by, with_density
from OpportunisticBMDLib.cohort.report.outliers import findings
from OpportunisticBMDLib.cohort.row import FAILED, Row
from OpportunisticBMDLib.core.errors import BadInput

PEERS = [measured(f"peer{number}", 100.0 + number % 11, hu_region=1.28 * (100 + number % 11)) for number in range(60)]


def known(*more: Row, count: int = 60):
    return with_density(to_table([*PEERS[:count], *more]).to_pandas())


def found(*more: Row, count: int = 60) -> set[tuple[str, str]]:
    return {(finding.rule, finding.subject) for finding in findings(known(*more, count=count))}


def test_nothing_is_found_where_all_is_usual():
    assert found() == set()


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (measured("odd", 160.0), "far from peers"),
        (measured("odd", 105.0, hu_region=1.28 * 105, l1_mg_cm3=150.0), "vertebrae differ"),
        (measured("odd", 105.0, hu_region=180.0), "off the line"),
        (measured("zz", 105.0, hu_region=1.28 * 105, fingerprint="of peer1"), "same images"),
    ],
)
def test_a_ct_that_does_not_fit_is_found_by_its_rule(row: Row, rule: str):
    assert found(row) == {(rule, row.name)}


def test_too_few_peers_tell_nothing():
    assert found(measured("odd", 160.0, hu_region=1.28 * 160), count=10) == set()


def test_scanners_that_depart_and_drift_are_found():
    table = with_density(to_table(rows(4000)).to_pandas())
    scanners = {(finding.rule, finding.subject) for finding in findings(table) if "scanner" in finding.rule}
    assert scanners >= {("departing scanner", DEPARTING), ("drifting scanner", DRIFTING)}
    assert {subject for _, subject in scanners} == {DEPARTING, DRIFTING}
    drift = {one.scanner: one for one in drifts(table)}[DRIFTING]
    assert drift.mg_cm3_a_year == pytest.approx(-10, abs=4 * drift.sd_mg_cm3_a_year)


def test_groups_say_how_densities_are_spread():
    (first, second) = groups_by(known(*(measured(f"b{n}", 50.0 + n, kernel=None) for n in range(5))), "kernel")
    assert (first.name, first.count, first.median) == ("STANDARD", 60, 104.5)
    assert (second.name, second.count, second.quartiles) == (UNKNOWN, 5, (51.0, 53.0))


def test_many_small_groups_are_one():
    groups = groups_by(known(*(measured(f"b{n}", kernel=f"K{n}") for n in range(30))), "kernel")
    assert groups[-1].name == OTHERS and sum(group.count for group in groups) == 90 and len(groups) == 13


def test_failures_are_counted_without_names_and_figures():
    failed = to_table(
        [
            Row("a", FAILED, message="a.nii.gz holds 12 voxels that are not finite numbers: export the CT again."),
            Row("b", FAILED, message="b.nii.gz holds 9 voxels that are not finite numbers: export the CT again."),
            Row("miller", FAILED, message="miller holds no DICOM files."),
        ]
    )
    assert counts.failures(failed.to_pandas()) == [
        ("… holds … voxels that are not finite numbers: export the CT again.", 2),
        ("… holds no DICOM files.", 1),
    ]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A cohort of which one CT has a name and a scanner that a page or a spreadsheet could obey."""
    place = Place(tmp_path)
    hostile = measured("evil", 200.0, scanner="<script>alert(1)</script>", kernel="=1+1", fingerprint="of ct00000")
    with place.held():
        place.enter({}, 310)
        Manifest(place.manifest).append([*rows(300), replace(hostile, status="review", message="<b>Look</b>")])
        place.of("evil").mkdir()
        Image.new("RGB", (1200, 900), "white").save(place.of("evil") / "preview.png")
    return place


def test_the_report_is_one_page_that_needs_nothing_else(place: Place):
    told = write_report(place)
    assert "301 of 310" in told[0]
    page = (place.folder / "report.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>") and "<script>" not in page and "<b>Look" not in page
    assert {link.partition(":")[0] for link in re.findall(r'src="([^"]*)"', page)} == {"data"}
    assert 'href="cases/evil/report.html"' in page and "data:image/jpeg" in page
    assert "By age and sex" in page and "Scanners over the months" in page and "vertebrae_not_found" in page


def test_tables_have_every_ct_once(place: Place):
    write_report(place)
    table = parquet.read_table(place.folder / "cohort.parquet")
    with (place.folder / "cohort.csv").open(encoding="utf-8", newline="") as file:
        lines = {row["name"]: row for row in csv.DictReader(file)}
    assert len(lines) == table.num_rows == 301
    assert lines["evil"]["kernel"] == "'=1+1" and lines["evil"]["vertebrae_used"] == "L1 L2"


def test_a_cohort_without_a_density_has_a_report_too(tmp_path: Path):
    place = Place(tmp_path)
    with place.held():
        place.enter({}, 1)
        write_report(place)
        Manifest(place.manifest).append([Row("a", FAILED, message="a.nii is no image.")])
    write_report(place)
    assert "No CT has a density yet" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_no_cohort_is_one_sentence(tmp_path: Path):
    with pytest.raises(BadInput, match="holds no cohort"):
        write_report(Place(tmp_path))
