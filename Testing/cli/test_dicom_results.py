"""`compute CT --dicom`."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest

pytest.importorskip("highdicom", reason="highdicom (the dicom extra) is not installed")

from dicom_files import write_volume
from dicom_programs import errors_of, said_by
from image_files import nrrd_file
from measured_series import series
from multi_frame_files import write_enhanced
from OpportunisticBMDLib.cli import BAD_INPUT, MEASURED, REFUSED, main
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.results.dicom_files import DICOM_FILES, SEGMENTATION
from OpportunisticBMDLib.results.segmentation_file import read_segmentation, write_segmentation


def compute(ct: Path, output: Path, *options: object) -> int:
    return main(["compute", str(ct), "-o", str(output), "--progress", "none", "--dicom", *map(str, options)])


def test_a_measured_ct_gets_its_objects(tmp_path):
    measured = series(tmp_path / "ct")
    labels = measured.segmentation.labels
    write_segmentation(labels, tmp_path / "masks.seg.nrrd")
    status = compute(measured.folder, tmp_path / "out", "--segmentation", tmp_path / "masks.seg.nrrd")
    assert status in (MEASURED, REFUSED)
    assert {name for name in DICOM_FILES if (tmp_path / "out" / name).is_file()} == set(DICOM_FILES)
    assert np.array_equal(read_segmentation(tmp_path / "out" / SEGMENTATION, labels.grid).array, labels.array)
    made = pydicom.dcmread(tmp_path / "out" / SEGMENTATION)
    assert made.PatientID == "PID-4711" and made.StudyInstanceUID == "1.2.3.4"


def test_masks_of_an_earlier_result_can_be_measured_again(tmp_path):
    measured = series(tmp_path / "ct")
    write_segmentation(measured.segmentation.labels, tmp_path / "masks.seg.nrrd")
    compute(measured.folder, tmp_path / "one", "--segmentation", tmp_path / "masks.seg.nrrd")
    compute(measured.folder, tmp_path / "two", "--segmentation", tmp_path / "one" / SEGMENTATION)
    grid = measured.ct.volume.grid
    one, two = (read_segmentation(tmp_path / name / SEGMENTATION, grid).array for name in ("one", "two"))
    assert np.array_equal(one, two)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chest-contrast", "abdomen-native", "chest-aorta"])
def test_objects_of_a_real_ct_are_valid(tmp_path, real_ct, name):
    write_volume(tmp_path / "ct", read_ct(real_ct(name) / "ct.nii.gz").volume)
    assert compute(tmp_path / "ct", tmp_path / "out") in (MEASURED, REFUSED)
    written = [tmp_path / "out" / file for file in DICOM_FILES if (tmp_path / "out" / file).is_file()]
    assert len(written) >= 3
    for path in written:
        assert errors_of(said_by("dciodvfy", path)) == []
    if tmp_path / "out" / SEGMENTATION in written:
        grid = read_ct(tmp_path / "ct").volume.grid
        files = (tmp_path / "out" / file for file in (SEGMENTATION, "segmentation.seg.nrrd"))
        one, other = (read_segmentation(file, grid).array for file in files)
        assert np.array_equal(one, other)


def told(capfd) -> str:
    """The one line that ends bad input."""
    line = capfd.readouterr().err
    assert line.startswith("opportunistic-bmd: ") and line.count("\n") == 1
    return line


def test_an_image_file_has_no_study(tmp_path, capfd):
    assert compute(nrrd_file(tmp_path / "ct.nrrd"), tmp_path / "out") == BAD_INPUT
    assert "is not DICOM" in told(capfd) and not (tmp_path / "out").exists()


def test_slices_that_no_object_can_refer_to_are_told_before_they_are_measured(tmp_path, capfd):
    measured = series(tmp_path / "ct", FrameOfReferenceUID=None)
    path = Path(shutil.make_archive(str(tmp_path / "a"), "zip", measured.folder))
    for ct in (measured.folder, path):
        assert compute(ct, tmp_path / "out", "--models", tmp_path / "none") == BAD_INPUT
        said = told(capfd)
        assert f".dcm in {ct} has no valid FrameOfReferenceUID" in said and not (tmp_path / "out").exists()


@pytest.mark.parametrize("join", [None, write_enhanced], ids=["series", "enhanced"])
def test_a_ct_in_a_zip_gets_its_objects(tmp_path, join):
    measured = series(tmp_path / "ct", join=join)
    path = Path(shutil.make_archive(str(tmp_path / "a"), "zip", measured.folder))
    labels = measured.segmentation.labels
    write_segmentation(labels, tmp_path / "masks.seg.nrrd")
    status = compute(path, tmp_path / "out", "--segmentation", tmp_path / "masks.seg.nrrd")
    assert status in (MEASURED, REFUSED)
    assert np.array_equal(read_segmentation(tmp_path / "out" / SEGMENTATION, labels.grid).array, labels.array)
    made, source = pydicom.dcmread(tmp_path / "out" / SEGMENTATION), measured.source
    (referred,) = made.ReferencedSeriesSequence
    uids = {item.ReferencedSOPInstanceUID for item in referred.ReferencedInstanceSequence}
    assert uids == {file.SOPInstanceUID for file in source.files} and made.PatientID == "PID-4711"


def test_what_is_missing_is_told_before_anything_is_read(tmp_path, capfd, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "OpportunisticBMDLib.cli.installed.find_spec", lambda name: None if name == "highdicom" else found(name)
    )
    assert compute(tmp_path / "absent", tmp_path / "out") == BAD_INPUT
    assert "pip install 'opportunistic-bmd[dicom]'" in told(capfd)
