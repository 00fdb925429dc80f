"""`pacs find`, `fetch` and `measure` as a user meets them, at a real archive."""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.fileset import FileSet
from pydicom.uid import EnhancedCTImageStorage

from OpportunisticBMDLib.cli import BAD_INPUT, MEASURED, REFUSED, main
from OpportunisticBMDLib.pacs.choose import ct_series, holds_results
from orthanc import Orthanc
from pacs.conftest import connected, uid
from pacs.faulty import REFUSES, FaultyWeb

IDENTITY = ("Mustermann", "Erika", "PID-", "19380515")


def pacs(action: str, *arguments: object) -> int:
    return main(["pacs", action, *map(str, arguments)])


def address(orthanc: Orthanc, way: str) -> str:
    return orthanc.web if way == "DICOMweb" else orthanc.dimse


@pytest.mark.slow
@pytest.mark.parametrize("way", ["DICOMweb", "C-GET"])
def test_a_study_is_measured_and_its_results_come_back(orthanc, tmp_path, trunk, capfd, way):
    study = trunk(tmp_path / "sent", 1)
    orthanc.take(tmp_path / "sent")
    where = address(orthanc, way)
    assert pacs("measure", where, study, "-o", tmp_path / "out", "--send", "--progress", "none") == MEASURED
    told = capfd.readouterr()
    assert "BMD " in told.out and not any(word in told.out + told.err for word in IDENTITY)
    series = connected(orthanc, way).series(study)
    assert sorted(s.modality for s in series) == ["CT", "DOC", "OT", "SEG", "SR"] and holds_results(series)
    assert len(orthanc.ask("/patients")) == len(orthanc.ask("/studies")) == 1
    result = (tmp_path / "out" / "result.json").read_text()
    assert json.loads(result)["status"] != "refused" and not any(word in result for word in IDENTITY)
    assert {path.name for path in tmp_path.iterdir()} == {"orthanc", "sent", "out"}


def test_find_lists_series_and_says_nobodys_name(orthanc, tmp_path, tiny, capfd):
    study = tiny(tmp_path, 1, SeriesDescription="Abdomen Mustermann")
    orthanc.take(tmp_path)
    assert pacs("find", orthanc.web, "--patient", "PID-1") == MEASURED
    assert pacs("find", orthanc.web, "--since", "2026-05-01", "--json") == MEASURED
    table, _, listed = capfd.readouterr().out.partition("[")
    assert table.split() == ["20260512", study, "CT", "14", f"{study}.1"]
    series = {"series_uid": f"{study}.1", "modality": "CT", "instances": 14}
    assert json.loads(f"[{listed}") == [{"study_uid": study, "date": "20260512", "series": [series]}]


@pytest.mark.parametrize("way", ["DICOMweb", "C-GET"])
def test_a_patients_number_that_is_none_is_not_repeated(orthanc, capfd, way):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert pacs("find", address(orthanc, way), "--patient", f"PID-{'1' * 80}\n") == MEASURED
    assert "no study" in (told := capfd.readouterr()).out and not told.err


def test_find_does_not_list_a_whole_archive(capfd):
    assert pacs("find", "https://pacs.example/rs") == BAD_INPUT
    assert "--since" in capfd.readouterr().err


def test_one_series_is_fetched(orthanc, tmp_path, tiny, capfd):
    study = tiny(tmp_path / "sent", 1)
    tiny(tmp_path / "sent", 1, series=2)
    orthanc.take(tmp_path / "sent")
    one = ["fetch", orthanc.web, study, "--series", f"{study}.2", "--progress", "none"]
    assert pacs(*one, "-o", tmp_path / "fetched") == MEASURED
    assert [path.name for path in (tmp_path / "fetched").iterdir()] == [f"{study}.2"]
    assert pacs("fetch", orthanc.web, uid(9), "-o", tmp_path / "none", "--progress", "none") == BAD_INPUT
    assert "no such study" in capfd.readouterr().err and not (tmp_path / "none").exists()


def test_only_what_may_be_a_scan_is_fetched_to_be_measured(orthanc, tmp_path, tiny):
    study = tiny(tmp_path, 1)
    tiny(tmp_path, 1, series=2, slices=2, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    tiny(tmp_path, 1, series=3, Modality="SR")
    tiny(tmp_path, 1, series=4, slices=1, SOPClassUID=EnhancedCTImageStorage)
    orthanc.take(tmp_path)
    archive = connected(orthanc, "DICOMweb")
    assert {s.uid for s in ct_series(archive, archive.series(study))} == {f"{study}.1", f"{study}.4"}


def test_a_refused_ct_is_sent_too(orthanc, tmp_path, tiny):
    study = tiny(tmp_path / "sent", 1)
    orthanc.take(tmp_path / "sent")
    options = ["-o", tmp_path / "out", "--send", "--progress", "none"]
    assert pacs("measure", orthanc.web, study, *options) == REFUSED
    assert holds_results(connected(orthanc, "DICOMweb").series(study))


def test_what_is_wrong_with_a_study_is_told_without_the_place_where_it_lay(orthanc, tmp_path, tiny, capfd):
    study = tiny(tmp_path / "sent", 1, PhotometricInterpretation="RGB")
    few = tiny(tmp_path / "sent", 2, slices=3)
    orthanc.take(tmp_path / "sent")
    for which, why in ((study, ""), (few, "no CT series of 12 slices"), (uid(9), "no such study")):
        options = ["-o", tmp_path / "out", "--progress", "none"]
        assert pacs("measure", orthanc.web, which, *options) == BAD_INPUT
        told = capfd.readouterr().err
        assert why in told and told.count("\n") == 1 and str(tmp_path) not in told and ".fetch-" not in told
    assert {path.name for path in tmp_path.iterdir()} == {"orthanc", "sent"}


def test_a_series_that_has_more_objects_than_was_said_may_be_a_scan(orthanc, tmp_path, tiny):
    study = tiny(tmp_path, 1)
    orthanc.take(tmp_path)
    archive = connected(orthanc, "DICOMweb")
    (series,) = archive.series(study)
    assert ct_series(archive, [replace(series, instances=0)]) == [replace(series, instances=0)]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_what_says_who_the_patient_is_can_be_read_by_its_owner_alone(orthanc, tmp_path, tiny):
    study = tiny(tmp_path / "sent", 1)
    orthanc.take(tmp_path / "sent")
    (tmp_path / "watch").mkdir(0o755)  # as an administrator may have made it
    pacs("fetch", orthanc.web, study, "-o", tmp_path / "fetched", "--progress", "none")
    pacs("measure", orthanc.web, study, "-o", tmp_path / "out", "--progress", "none")
    often = ["--since", "2026-01-01", "--every", "0.1", "--once", "--progress", "none"]
    pacs("watch", orthanc.web, "-o", tmp_path / "watch", *often)
    made = [path for name in ("fetched", "out", "watch") for path in (tmp_path / name).rglob("*")]
    assert len(made) > 20 and not [path for path in made if path.stat().st_mode & 0o077]
    assert not (tmp_path / "fetched").stat().st_mode & 0o077 and not (tmp_path / "out").stat().st_mode & 0o077


def test_results_that_the_archive_refuses_can_be_sent_later(orthanc, tmp_path, tiny, capfd):
    study = tiny(tmp_path / "sent", 1)
    orthanc.take(tmp_path / "sent")
    with FaultyWeb(orthanc.url) as proxy:
        proxy.fault = REFUSES
        options = ["-o", tmp_path / "out", "--send", "--progress", "none"]
        assert pacs("measure", proxy.web, study, *options) == BAD_INPUT
    assert f"try pacs send {tmp_path / 'out' / 'dicom'} later" in " ".join(capfd.readouterr().err.split())
    assert pacs("send", orthanc.web, tmp_path / "out" / "dicom") == MEASURED
    assert holds_results(connected(orthanc, "DICOMweb").series(study))


def test_files_that_are_no_objects_are_told_before_anything_is_sent(tmp_path, tiny, capfd):
    tiny(tmp_path / "sent", 1)
    (tmp_path / "text").write_text("no DICOM")
    (tmp_path / "empty").mkdir()
    damaged = next((tmp_path / "sent").rglob("*.dcm"))
    damaged.write_bytes(damaged.read_bytes()[:140])
    for path, why in (("text", "is no DICOM"), ("empty", "holds no DICOM"), ("none", "not exist"), ("sent", "damaged")):
        assert pacs("send", "https://pacs.example/rs", Path(tmp_path, path)) == BAD_INPUT
        assert why in capfd.readouterr().err


def test_a_disc_is_sent_without_its_table_of_contents(orthanc, tmp_path, tiny, capfd):
    study = tiny(tmp_path / "disc", 1)
    contents = FileSet()
    contents.add(next((tmp_path / "disc").rglob("*.dcm")))
    contents.write(tmp_path / "written")
    shutil.copy(tmp_path / "written" / "DICOMDIR", tmp_path / "disc")
    assert pacs("send", orthanc.web, tmp_path / "disc") == MEASURED
    assert "14 objects were stored" in capfd.readouterr().out
    assert [s.instances for s in connected(orthanc, "DICOMweb").series(study)] == [14]


@pytest.mark.parametrize(
    "wrong", ["--listen 99999", "--timeout 0", "--since yesterday", "--study ../1", "--until 2026-13-01"]
)
def test_wrong_usage_is_told_before_anything_is_asked(wrong, capfd):
    assert pacs("find", "https://pacs.example/rs", *wrong.split()) == BAD_INPUT
    assert f"argument {wrong.split()[0]}" in capfd.readouterr().err
