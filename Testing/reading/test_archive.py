"""Zips as people pack them and as they should not: the CT that is meant, or one sentence that is true."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("pydicom", reason="pydicom (the dicom extra) is not installed")

from dicom_files import write_stack
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.reading.archive import read_zip
from OpportunisticBMDLib.results.segmentation_file import write_segmentation
from OpportunisticBMDLib.system.leftovers import TEMPORARY_PREFIX

SIZE = (20, 24, 14)
GRID = Grid(SIZE, np.diag([2.0, 2.0, 3.0, 1.0]))
METHODS = {
    "stored": zipfile.ZIP_STORED,
    "deflate": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    """A temporary folder of its own, which has to be empty in the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert not list(folder.iterdir())


def tissue() -> np.ndarray:
    rng = np.random.default_rng(0)
    parts = rng.choice([-1000, -100, 50, 180, 900], SIZE, p=[0.2, 0.3, 0.3, 0.15, 0.05])
    return (parts + rng.integers(-20, 20, SIZE)).astype(np.int16)


def nifti(path: Path, array: np.ndarray) -> Path:
    sitk.WriteImage(Volume(array, GRID).to_sitk(), str(path))
    return path


def series(folder: Path) -> list[Path]:
    return write_stack(folder, tissue())


def segmentation(path: Path) -> Path:
    labels = np.zeros(SIZE, np.uint8)
    labels[5:9, 5:9, 3:6] = 1
    write_segmentation(Volume(labels, GRID), path)
    return path


def zipped(path: Path, *files: Path | tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Files of this disk, or names with what they hold."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in files:
            if isinstance(file, Path):
                archive.write(file, f"{file.parent.name}/{file.name}")
            else:
                archive.writestr(*file)
    return path


def refusal(path: Path, series_uid: str | None = None) -> str:
    with pytest.raises(BadInput) as caught:
        read_ct(path, series_uid)
    assert TEMPORARY_PREFIX not in str(caught.value)
    return str(caught.value)


def is_tissue(ct: CT) -> bool:
    return np.array_equal(ct.volume.array, tissue())


# Which of several


def test_beside_a_series_an_image_file_is_never_taken_instead(tmp_path):
    old = nifti(tmp_path / "old.nii.gz", (tissue() * 0.5).astype(np.int16))
    path = zipped(tmp_path / "case.zip", *series(tmp_path / "ct"), old)
    message = refusal(path)
    assert "case.zip" in message and "DICOM" in message and "old.nii.gz" in message
    ct = read_ct(path, "1.2.3.4.5")
    assert is_tissue(ct) and ct.acquisition.format == "DICOM" and ct.acquisition.path == "case.zip"


def test_beside_a_series_a_segmentation_is_none_to_choose(tmp_path):
    masks = segmentation(tmp_path / "Segmentation.seg.nrrd")
    assert is_tissue(read_ct(zipped(tmp_path / "case.zip", *series(tmp_path / "ct"), masks)))


def test_beside_an_image_file_a_segmentation_is_none_to_choose(tmp_path):
    files = nifti(tmp_path / "ct.nii.gz", tissue()), segmentation(tmp_path / "Segmentation.seg.nrrd")
    assert is_tissue(read_ct(zipped(tmp_path / "case.zip", *files)))


def test_a_segmentation_alone_is_no_ct(tmp_path):
    path = zipped(tmp_path / "case.zip", segmentation(tmp_path / "Segmentation.seg.nrrd"))
    assert "Segmentation.seg.nrrd is a segmentation" in refusal(path)


def test_dicom_that_is_no_ct_does_not_hide_the_image_file(tmp_path):
    others = write_stack(tmp_path / "mr", tissue(), SOPClassUID="1.2.840.10008.5.1.4.1.1.4", Modality="MR")
    assert is_tissue(read_ct(zipped(tmp_path / "case.zip", *others, nifti(tmp_path / "ct.nii.gz", tissue()))))


def test_what_a_mac_adds_does_not_count(tmp_path):
    double = b"\0\5\x16\7" + bytes(60)
    added = [("._ct.nii.gz", double), ("deep/__MACOSX/ct.nii.gz", double), ("__MACOSX/._ct.nii.gz", double)]
    path = zipped(tmp_path / "case.zip", nifti(tmp_path / "ct.nii.gz", tissue()), *added, (".DS_Store", b"x"))
    assert is_tissue(read_ct(path))


def test_two_image_files_are_both_named(tmp_path):
    files = [nifti(tmp_path / name, tissue()) for name in ("a.nii.gz", "b.nii.gz")]
    message = refusal(zipped(tmp_path / "case.zip", *files))
    assert "2 image files" in message and "a.nii.gz" in message and "b.nii.gz" in message


def test_a_series_cannot_be_picked_in_an_image_file(tmp_path):
    path = zipped(tmp_path / "case.zip", nifti(tmp_path / "ct.nii.gz", tissue()))
    assert "ct.nii.gz is not DICOM" in refusal(path, "1.2.3")


def test_one_name_for_two_files_is_refused(tmp_path):
    content = nifti(tmp_path / "ct.nii.gz", tissue()).read_bytes()
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(tmp_path / "case.zip", ("ct.nii.gz", content), ("./ct.nii.gz", b"x"), ("ct.nii.gz", b"y"))
    assert "two files named ct.nii.gz" in refusal(path)


# A zip in a zip


def test_a_zip_that_holds_nothing_but_another_one_is_read(tmp_path):
    inner = zipped(tmp_path / "inner.zip", *series(tmp_path / "ct"))
    ct = read_ct(zipped(tmp_path / "outer.zip", inner, ("readme.txt", b"hello")))
    assert is_tissue(ct) and ct.acquisition.path == "outer.zip"


def test_a_fault_in_the_inner_zip_is_told_by_its_place(tmp_path):
    slices = series(tmp_path / "ct")
    inner = zipped(tmp_path / "inner.zip", *slices[:5], *slices[7:])
    message = refusal(zipped(tmp_path / "outer.zip", ("deep/inner.zip", inner.read_bytes())))
    assert f"{tmp_path / 'outer.zip'}: deep/inner.zip" in message.replace("\\", "/").replace("//", "/")


def test_several_zips_in_a_zip_are_refused(tmp_path):
    inner = zipped(tmp_path / "inner.zip", *series(tmp_path / "ct")).read_bytes()
    assert "2 zips" in refusal(zipped(tmp_path / "outer.zip", ("a.zip", inner), ("b.zip", inner)))


def test_a_zip_in_a_zip_in_a_zip_is_refused(tmp_path):
    path = zipped(tmp_path / "0.zip", *series(tmp_path / "ct"))
    for number in (1, 2):
        path = zipped(tmp_path / f"{number}.zip", (f"{number - 1}.zip", path.read_bytes()))
    assert "holds a zip in a zip" in refusal(path)


def test_a_bomb_in_a_zip_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("OpportunisticBMDLib.reading.archive._SMALL_BYTES", 2**20)
    inner = zipped(tmp_path / "inner.zip", ("a.dcm", bytes(2**24)))
    assert "grow" in refusal(zipped(tmp_path / "outer.zip", inner))


# Damaged and hostile


@pytest.mark.parametrize("name", METHODS)
def test_every_way_of_packing_is_read(tmp_path, name):
    path = zipped(tmp_path / "case.zip", *series(tmp_path / "ct"), method=METHODS[name])
    assert is_tissue(read_ct(path))


@pytest.mark.parametrize("name", METHODS)
def test_damaged_bytes_are_found_in_every_way_of_packing(tmp_path, name):
    path = zipped(tmp_path / "case.zip", *series(tmp_path / "ct"), method=METHODS[name])
    content = bytearray(path.read_bytes())
    content[200:260] = b"\xff" * 60
    path.write_bytes(content)
    assert "damaged zip" in refusal(path)


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [
        (8, 1, "encrypted"),
        (10, 9, "packed in an unknown way"),
        (10, 99, "packed in an unknown way"),
        (6, 99, "unknown"),
    ],
    ids=["encrypted", "Deflate64", "AES", "a later version"],
)
def test_what_cannot_be_unpacked_is_said(tmp_path, offset, value, words):
    path = zipped(tmp_path / "case.zip", nifti(tmp_path / "ct.nii", tissue()))
    content = bytearray(path.read_bytes())
    content[content.rfind(b"PK\1\2") + offset] = value
    content[offset - 2] = value
    path.write_bytes(content)
    assert words in refusal(path)


@pytest.mark.parametrize("method", ["bzip2", "lzma"])
def test_memory_is_bounded_where_the_zip_lies_about_sizes(tmp_path, method):
    path = zipped(tmp_path / "bomb.zip", ("a.dcm", bytes(300 * 2**20)), method=METHODS[method])
    content = path.read_bytes()
    path.write_bytes(content.replace((300 * 2**20).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    tracemalloc.start()
    try:
        assert "damaged zip" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 200 * 2**20
    finally:
        tracemalloc.stop()


def test_control_sequences_in_names_are_escaped(tmp_path):
    message = refusal(zipped(tmp_path / "case.zip", ("\x1b]0;TITLE\x07/../x", b"x" * 300)))
    assert message.isprintable() and "\\x1b]0;TITLE" in message
    twice = [(f"\x1b[2J{name}.nii.gz", b"x" * 300) for name in "ab"]
    message = refusal(zipped(tmp_path / "other.zip", *twice))
    assert message.isprintable() and "\\x1b[2Ja.nii.gz" in message


@pytest.mark.parametrize("names", [["a" * 300], ["a", "a/b"], ["/".join(["a" * 200] * 30)]])
def test_names_that_no_disk_can_hold_are_refused(tmp_path, names):
    assert "cannot be unpacked" in refusal(zipped(tmp_path / "case.zip", *((name, b"x") for name in names)))


def test_a_header_cannot_name_a_file_outside_of_its_zip(tmp_path):
    (tmp_path / "secret.raw").write_bytes(tissue().transpose(2, 1, 0).tobytes())
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 20 24 14\n"
        "space directions: (2,0,0) (0,2,0) (0,0,3)\nspace origin: (0,0,0)\nendian: little\nencoding: raw\n"
    )
    for place in (tmp_path / "secret.raw", "../../secret.raw"):
        text = f"{header}data file: {place}\n\n".encode()
        assert "outside its folder" in refusal(zipped(tmp_path / "case.zip", ("ct.nhdr", text)))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes among its files")
def test_a_pipe_is_no_zip(tmp_path):
    os.mkfifo(tmp_path / "case.zip")
    with pytest.raises(OSError, match="no ordinary file"):
        read_zip(tmp_path / "case.zip")


def test_whatever_bytes_are_damaged_there_is_the_ct_or_one_sentence(tmp_path):
    ct = nifti(tmp_path / "ct.nii", tissue())
    rng = np.random.default_rng(16)
    whole = [zipped(tmp_path / "case.zip", ct, method=method).read_bytes() for method in METHODS.values()]
    for number in range(200):
        content = bytearray(whole[number % len(whole)])
        ends = np.r_[0:60, len(content) - 150 : len(content)]  # headers are where there is something to get wrong
        for place in rng.choice(ends, 3) if number % 3 else rng.integers(0, len(content), 3):
            content[place] = rng.integers(256)
        (tmp_path / "case.zip").write_bytes(content[: rng.integers(len(content))] if number % 10 == 0 else content)
        try:
            assert is_tissue(read_ct(tmp_path / "case.zip"))
        except BadInput as error:
            assert str(error).isprintable()


# A kill


READER = """
import sys, time
from pathlib import Path
import OpportunisticBMDLib.reading.archive as archive
archive._read_unpacked = lambda *_: print("unpacked", flush=True) or time.sleep(600)
archive.read_zip(Path(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_what_was_unpacked_when_its_reader_was_killed_is_removed_by_the_next(tmp_path, temporary):
    path = zipped(tmp_path / "case.zip", nifti(tmp_path / "ct.nii.gz", tissue()))
    command = [sys.executable, "-c", READER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"TMPDIR": str(temporary)}) as process:
        process.stdout.readline()
        assert is_tissue(read_ct(path))
        assert len(list(temporary.rglob("ct.nii.gz"))) == 1, "the living one's is left alone"
        process.kill()
    assert list(temporary.rglob("ct.nii.gz"))
    assert is_tissue(read_ct(path))
    assert not list(temporary.iterdir())
