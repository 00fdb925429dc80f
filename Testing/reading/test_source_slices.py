"""The slices that a CT was read from."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydicom", reason="pydicom (the dicom extra) is not installed")

from dicom_files import alter, write_slice
from image_files import nrrd_file
from measured_series import KINDS, Measured, series
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading import read_ct, read_ct_with_slices
from OpportunisticBMDLib.reading.series.source_slices import SourceSlices, source_slices_of


def test_slices_come_in_the_order_of_the_planes(tmp_path):
    measured = series(tmp_path)
    heights = [s.position[2] for s in measured.slices.stack.slices]
    assert heights == sorted(heights) and len(heights) == measured.ct.volume.grid.size[2]


@pytest.mark.parametrize("kind, are_planes", [("axial", True), ("oblique", True), ("coronal", True),
                                              ("tilted gantry", False), ("uneven steps", False)])  # fmt: skip
def test_slices_that_were_straightened_are_no_planes(tmp_path, kind, are_planes):
    measured = series(tmp_path, **KINDS[kind])
    assert measured.slices.are_planes_of(measured.ct.volume.grid) is are_planes


def test_of_two_copies_of_a_slice_one_counts(tmp_path):
    measured = series(tmp_path)
    copy = tmp_path / "copy.dcm"
    shutil.copy(measured.paths[5], copy)
    alter(copy, lambda data: setattr(data, "SOPInstanceUID", "1.2.3.99"))
    assert len(measured.paths) == read_ct(tmp_path).volume.grid.size[2]


def test_what_is_not_dicom_has_no_slices(tmp_path):
    assert read_ct_with_slices(nrrd_file(tmp_path / "ct.nrrd"))[1] is None


def zipped(tmp_path: Path) -> tuple[Path, SourceSlices]:
    measured = series(tmp_path / "ct")
    path = Path(shutil.make_archive(str(tmp_path / "ct"), "zip", measured.folder))
    return path, read_ct_with_slices(path)[1]


def test_slices_of_a_zip_are_known_when_they_are_unpacked_no_more(tmp_path):
    path, slices = zipped(tmp_path)
    assert slices.path == path and len(slices.stack.slices) == 48 and slices.patient["PatientID"] == "PID-4711"
    assert not any(s.path.exists() for s in slices.stack.slices)
    slices.check_unchanged()


def test_another_zip_in_its_place_is_told(tmp_path):
    path, slices = zipped(tmp_path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(BadInput, match=r"ct\.zip is gone or changed since it was measured"):
        slices.check_unchanged()


# Of a CT that another program has loaded


def loaded(measured: Measured, size: tuple[int, int, int] | None = None, moved_mm=(0.0, 0.0, 0.0)) -> CT:
    """The CT, as another program may have loaded it."""
    grid, affine = measured.ct.volume.grid, measured.ct.volume.grid.affine.copy()
    affine[:3, 3] += moved_mm
    return replace(measured.ct, volume=Volume(np.zeros(size or grid.size, np.int16), Grid(size or grid.size, affine)))


@pytest.mark.parametrize("kind", ["axial", "oblique", "coronal"])
def test_files_in_any_order_are_the_slices_of_the_ct_that_was_loaded_from_them(tmp_path, kind):
    measured = series(tmp_path, **KINDS[kind])
    slices = source_slices_of(sorted(tmp_path.iterdir()), loaded(measured, moved_mm=(0.0, 0.0, 0.04)))
    assert [s.path for s in slices.stack.slices] == measured.paths
    assert slices.are_planes_of(measured.ct.volume.grid) and slices.patient["PatientName"] == "Mustermann^Erika"


@pytest.mark.parametrize(
    "size, moved_mm", [((128, 100, 47), (0, 0, 0)), ((100, 128, 48), (0, 0, 0)), (None, (0, 0, 3)), (None, (0.5, 0, 0))]
)
def test_a_ct_that_was_cropped_or_moved_has_no_slices(tmp_path, size, moved_mm):
    measured = series(tmp_path)
    with pytest.raises(BadInput, match="are not the planes of the CT as it was loaded"):
        source_slices_of(measured.paths, loaded(measured, size, moved_mm))


@pytest.mark.parametrize("kind", ["tilted gantry", "uneven steps"])
def test_a_ct_that_was_straightened_has_no_planes(tmp_path, kind):
    measured = series(tmp_path, **KINDS[kind])
    with pytest.raises(BadInput, match="are not the planes of the CT"):
        source_slices_of(measured.paths, measured.ct)


def test_a_missing_slice_is_told(tmp_path):
    measured = series(tmp_path)
    with pytest.raises(BadInput, match=r"The 47 slices in .* are not the planes of the CT"):
        source_slices_of(measured.paths[:-1], measured.ct)


def test_a_ct_without_files_has_no_slices(tmp_path):
    measured = series(tmp_path / "ct")
    for files in ([], [nrrd_file(tmp_path / "ct.nrrd")], [tmp_path / "absent.dcm"]):
        with pytest.raises(BadInput, match="no files with slices"):
            source_slices_of(files, measured.ct)


def test_a_localizer_among_the_files_is_left_out(tmp_path):
    measured = series(tmp_path)
    localizer = tmp_path / "localizer.dcm"
    write_slice(localizer, np.zeros((100, 128)), (0, 0, 0), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    assert len(source_slices_of([localizer, *measured.paths], measured.ct).stack.slices) == 48
