"""The files of a CT, found again."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("pydicom", reason="pydicom (the dicom extra) is not installed")

from dicom_files import alter, write_stack
from image_files import nrrd_file
from measured_series import KINDS, series
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.reading.series.dicom_header import read_header
from OpportunisticBMDLib.reading.series.source_slices import source_slices


def test_slices_come_in_the_order_of_the_planes(tmp_path):
    measured = series(tmp_path)
    heights = [read_header(path).position[2] for path in measured.slices.paths]
    assert heights == sorted(heights) and len(heights) == measured.ct.volume.grid.size[2]


@pytest.mark.parametrize("kind, are_planes", [("axial", True), ("oblique", True), ("coronal", True),
                                              ("tilted gantry", False), ("uneven steps", False)])  # fmt: skip
def test_slices_that_were_straightened_are_no_planes(tmp_path, kind, are_planes):
    assert series(tmp_path, **KINDS[kind]).slices.are_planes is are_planes


def test_of_two_copies_of_a_slice_one_counts(tmp_path):
    measured = series(tmp_path)
    copy = tmp_path / "copy.dcm"
    shutil.copy(measured.slices.paths[5], copy)
    alter(copy, lambda data: setattr(data, "SOPInstanceUID", "1.2.3.99"))
    assert len(source_slices(tmp_path, None, read_ct(tmp_path)).paths) == measured.ct.volume.grid.size[2]


def test_a_slice_that_went_missing_meanwhile_is_told(tmp_path):
    measured = series(tmp_path)
    measured.slices.paths[-1].unlink()
    with pytest.raises(BadInput, match="other slices than those that were measured"):
        source_slices(tmp_path, None, measured.ct)


def test_another_series_is_told(tmp_path):
    measured = series(tmp_path)
    shutil.rmtree(tmp_path)
    write_stack(tmp_path, measured.ct.volume.array, spacing=(2.0, 2.2, 3.0), SeriesInstanceUID="1.2.3.9")
    with pytest.raises(BadInput, match="other slices than those that were measured"):
        source_slices(tmp_path, None, measured.ct)


def test_what_is_not_dicom_has_no_slices(tmp_path):
    path = nrrd_file(tmp_path / "ct.nrrd")
    with pytest.raises(BadInput, match=r"not DICOM.*leave out --dicom"):
        source_slices(path, None, read_ct(path))


def test_a_zip_is_to_be_unpacked(tmp_path):
    measured = series(tmp_path / "ct")
    path = shutil.make_archive(str(tmp_path / "ct"), "zip", measured.folder)
    with pytest.raises(BadInput, match="is a zip: unpack it"):
        source_slices(tmp_path / path, None, read_ct(path))
