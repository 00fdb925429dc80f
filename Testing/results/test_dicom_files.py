"""A result folder with the objects of the patient's study."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest

pytest.importorskip("highdicom", reason="highdicom (the dicom extra) is not installed")

from dicom_programs import errors_of, said_by
from example_results import normal, refused, review
from measured_series import KINDS, Measured, series
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results import dicom_files
from OpportunisticBMDLib.results.dicom_files import DICOM_FILES, FOLDER, MEASUREMENTS, SEGMENTATION
from OpportunisticBMDLib.results.folder import write_results

OTHERS = {"result.json", "segmentation.seg.nrrd", "preview.png", "report.html"}
IDENTITY = (b"Mustermann", b"Erika", b"4711", b"19380515", b"1.2.3.4")


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Measured:
    return series(tmp_path_factory.mktemp("ct"))


def written(folder: Path, measured: Measured, result=None) -> None:
    write_results(folder, measured.ct, measured.segmentation, result or normal(), measured.slices)


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def state_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names_in(folder)}


@pytest.mark.parametrize("kind", ["axial", "enhanced", "enhanced, tilted gantry", "converted"])
def test_all_files_are_there_and_valid(tmp_path, kind):
    written(tmp_path / "out", series(tmp_path / "ct", **KINDS[kind]), review())
    assert names_in(tmp_path / "out") == OTHERS | set(DICOM_FILES)
    for name in DICOM_FILES:
        assert errors_of(said_by("dciodvfy", tmp_path / "out" / name)) == []


def test_the_report_refers_to_the_segmentation_beside_it(measured, tmp_path):
    written(tmp_path, measured)
    masks = pydicom.dcmread(tmp_path / SEGMENTATION)
    assert masks.SOPInstanceUID.encode() in (tmp_path / MEASUREMENTS).read_bytes()


def test_all_identifiers_are_new_each_time(measured, tmp_path):
    seen = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        written(folder, measured)
        objects = [pydicom.dcmread(folder / name) for name in DICOM_FILES]
        seen += [made[uid].value for made in objects for uid in ("SOPInstanceUID", "SeriesInstanceUID")]
        assert {made.StudyInstanceUID for made in objects} == {"1.2.3.4"}
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("name", ["Mustermann^Erika", "Mustermann Erika", "Mustermann^Erika^" + "x" * 100])
def test_only_the_objects_say_who_it_is(tmp_path, name):
    """Packages warn of names that look odd, and quote them: in a process of its own, all that it says is seen."""
    script = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from example_results import normal
from measured_series import Measured, synthetic_case
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.results.folder import write_results
folder = Path(sys.argv[1])
ct = read_ct(folder / "ct")
measured = Measured(folder / "ct", ct, synthetic_case(ct.volume.grid)[1])
write_results(folder / "out", ct, measured.segmentation, normal(), measured.slices)
"""
    series(tmp_path / "ct", PatientName=name)
    here = Path(__file__).parents[1]
    command = [sys.executable, "-W", "always", "-c", script, *map(str, (tmp_path, here, here.parent))]
    run = subprocess.run(command, capture_output=True, check=True)
    for file, content in state_of(tmp_path / "out").items():
        assert any(part in content for part in IDENTITY) == (file in DICOM_FILES), file
    assert not any(part in run.stdout + run.stderr for part in IDENTITY)


def test_the_document_itself_does_not_say_who_it_is(measured, tmp_path):
    written(tmp_path, measured)
    pdf = pydicom.dcmread(tmp_path / dicom_files.REPORT).EncapsulatedDocument
    assert pdf.startswith(b"%PDF") and not any(part in pdf for part in IDENTITY)


def test_a_refused_result_has_no_segmentation(measured, tmp_path):
    written(tmp_path, measured)
    write_results(tmp_path, measured.ct, None, refused(), measured.slices)
    assert names_in(tmp_path) == (OTHERS - {"segmentation.seg.nrrd"}) | (set(DICOM_FILES) - {SEGMENTATION})


def test_objects_of_an_earlier_result_do_not_stay(measured, tmp_path):
    written(tmp_path, measured)
    write_results(tmp_path, measured.ct, measured.segmentation, normal())
    assert names_in(tmp_path) == OTHERS and not (tmp_path / FOLDER).exists()


def test_what_a_user_keeps_in_the_folder_stays(measured, tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "slice.dcm").write_text("mine")
    written(tmp_path, measured)
    write_results(tmp_path, measured.ct, measured.segmentation, normal())
    assert names_in(tmp_path) == OTHERS | {f"{FOLDER}/slice.dcm"}


def test_a_file_in_the_place_of_the_folder_is_told(measured, tmp_path):
    (tmp_path / FOLDER).write_text("mine")
    with pytest.raises(BadInput, match="A file named dicom is in the way"):
        written(tmp_path, measured)
    assert names_in(tmp_path) == {FOLDER}
    write_results(tmp_path, measured.ct, measured.segmentation, normal())  # which need it not
    assert names_in(tmp_path) == OTHERS | {FOLDER}


@pytest.mark.parametrize("had", [True, False])
def test_what_cannot_be_written_leaves_the_earlier_result_as_it_was(measured, tmp_path, monkeypatch, had):
    def fails(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_results(tmp_path, measured.ct, measured.segmentation, normal(), measured.slices if had else None)
    before = state_of(tmp_path)
    slices = measured.slices
    monkeypatch.setattr(dicom_files, "_pixels", fails)
    with pytest.raises(BadInput, match="make room"):
        write_results(tmp_path, measured.ct, measured.segmentation, review(), slices)
    assert state_of(tmp_path) == before and (tmp_path / FOLDER).exists() == had


def test_a_move_that_fails_puts_all_back(measured, tmp_path, monkeypatch):
    write_results(tmp_path, measured.ct, measured.segmentation, normal())
    before, replaced = state_of(tmp_path), os.replace

    def fails(source, target):
        if Path(target) == tmp_path / "report.html" and "old" not in Path(source).parts:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replaced(source, target)

    slices = measured.slices
    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(BadInput):
        write_results(tmp_path, measured.ct, measured.segmentation, review(), slices)
    assert state_of(tmp_path) == before and not (tmp_path / FOLDER).exists()


def test_slices_that_are_gone_leave_the_earlier_result_as_it_was(tmp_path):
    measured = series(tmp_path / "ct")
    slices = measured.slices
    write_results(tmp_path / "out", measured.ct, measured.segmentation, normal(), slices)
    before = state_of(tmp_path / "out")
    measured.paths[0].unlink()
    with pytest.raises(BadInput, match="gone or changed"):
        write_results(tmp_path / "out", measured.ct, measured.segmentation, review(), slices)
    assert state_of(tmp_path / "out") == before
