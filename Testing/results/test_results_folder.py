"""A result folder is whole, or as it was before."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import SimpleITK as sitk

from example_results import grid_of, normal, osteoporosis, refused, synthetic_case
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results import preview, segmentation_file
from OpportunisticBMDLib.results.folder import STAGING_PREFIX, prepare_folder, write_results

ALL = {"result.json", "segmentation.seg.nrrd", "preview.png", "report.html"}


@pytest.fixture(scope="module")
def case():
    return synthetic_case(grid_of("left-handed"))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def state_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_new_folder_gets_all_files(case, tmp_path):
    ct, segmentation = case
    written = write_results(tmp_path / "deep" / "out", ct, segmentation, normal())
    assert names_in(tmp_path / "deep" / "out") == ALL
    assert names_in(tmp_path / "deep") == {"out"}
    document = json.loads((tmp_path / "deep" / "out" / "result.json").read_text(encoding="utf-8"))
    assert document["bmd_mg_cm3"] == 152.31
    assert document["timing_s"]["write"] == round(written.timing_s["write"], 3) > 0
    assert document["timing_s"]["total"] == pytest.approx(10.5 + document["timing_s"]["write"], abs=0.002)
    image = sitk.ReadImage(str(tmp_path / "deep" / "out" / "segmentation.seg.nrrd"))
    assert image.GetSize() == ct.volume.grid.size


def test_an_earlier_result_is_replaced_as_a_whole(case, tmp_path):
    ct, segmentation = case
    write_results(tmp_path, ct, segmentation, normal())
    (tmp_path / "notes.txt").write_text("mine")
    write_results(tmp_path, ct, None, refused())
    assert names_in(tmp_path) == ALL - {"segmentation.seg.nrrd"} | {"notes.txt"}
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["status"] == "refused"


@pytest.mark.parametrize("below", ("", "deeper"))
def test_a_file_in_the_place_of_the_folder_is_bad_input(case, below, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(BadInput, match="cannot be written"):
        write_results(tmp_path / "out" / below if below else tmp_path / "out", *case, normal())
    assert (tmp_path / "out").read_text() == "mine" and names_in(tmp_path) == {"out"}


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_folder_in_the_way_leaves_the_earlier_result_as_it_was(case, name, tmp_path):
    write_results(tmp_path, *case, normal())
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    before = state_of(tmp_path)
    with pytest.raises(BadInput, match=f"folder named {name}"):
        write_results(tmp_path, *case, osteoporosis())
    assert state_of(tmp_path) == before and names_in(tmp_path) == ALL


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_full_disk_leaves_nothing_half_written(case, tmp_path):
    """A limit on file sizes stands in for the full disk: the write of the picture fails half-way, as there."""
    earlier, new = tmp_path / "earlier", tmp_path / "new"
    write_results(earlier, *case, normal())
    before = state_of(earlier)
    script = """
import resource, sys
sys.path[:0] = sys.argv[3:]
from example_results import grid_of, osteoporosis, synthetic_case
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results.folder import STAGING_PREFIX, prepare_folder, write_results
ct, segmentation = synthetic_case(grid_of("straight"))
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
for folder in sys.argv[1:3]:
    try:
        write_results(folder, ct, segmentation, osteoporosis())
    except BadInput as error:
        print(error)
"""
    here = Path(__file__).parents[1]
    command = [sys.executable, "-c", script, *map(str, (earlier, new, here, here.parent))]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.stdout.count("cannot be written") == run.stdout.count("make room") == 2, run.stderr
    assert names_in(tmp_path) == {"earlier"}
    assert state_of(earlier) == before and names_in(earlier) == ALL


def test_the_picture_is_drawn_while_the_masks_are_written(case, tmp_path, monkeypatch):
    draw, write, is_drawing = preview.draw_preview, segmentation_file.write_segmentation, threading.Event()

    def drawn(*arguments):
        is_drawing.set()
        return draw(*arguments)

    def written(*arguments):
        assert is_drawing.wait(60)
        write(*arguments)

    monkeypatch.setattr(preview, "draw_preview", drawn)
    monkeypatch.setattr(segmentation_file, "write_segmentation", written)
    write_results(tmp_path, *case, normal())
    assert names_in(tmp_path) == ALL


@pytest.mark.parametrize("place, name", [(segmentation_file, "write_segmentation"), (preview, "draw_preview")])
def test_what_cannot_be_written_leaves_the_earlier_result_as_it_was(case, place, name, tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_results(tmp_path, *case, normal())
    before = state_of(tmp_path)
    monkeypatch.setattr(place, name, fails)
    with pytest.raises(BadInput, match="make room"):
        write_results(tmp_path, *case, osteoporosis())
    assert state_of(tmp_path) == before and names_in(tmp_path) == ALL


def test_no_machine_path_or_host_is_in_the_report(case, tmp_path):
    write_results(tmp_path / "out", *case, normal())
    assert str(tmp_path) not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


# Before a long run


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path):
    prepare_folder(tmp_path / "deep" / "out")
    prepare_folder(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("below", ["", "deeper", "deep/er"])
def test_a_file_where_a_folder_should_be_is_told_at_once(tmp_path, below):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(BadInput, match=r"out.* is a file; give a folder"):
        prepare_folder(tmp_path / "out" / below)
    assert names_in(tmp_path) == {"out"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_nothing_is_told_at_once(tmp_path):
    (tmp_path / "out").symlink_to(tmp_path / "absent")
    with pytest.raises(BadInput, match="link to nothing"):
        prepare_folder(tmp_path / "out")


@pytest.mark.parametrize("name", ["a" * 300, "/".join(["a" * 200] * 25)])
def test_a_name_that_no_disk_can_hold_is_told_at_once(tmp_path, name):
    for use in (prepare_folder, lambda folder: write_results(folder, *synthetic_case(grid_of("straight")), normal())):
        with pytest.raises(BadInput, match="cannot be written"):
            use(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place where nobody can write")
def test_a_place_where_nobody_can_write_is_told_at_once():
    with pytest.raises(BadInput, match="cannot be written"):
        prepare_folder("/proc/self/results/deep")


def test_what_a_killed_run_left_is_removed(case, tmp_path):
    write_results(tmp_path / "out", *case, normal())
    for place in (tmp_path, tmp_path / "out"):
        (place / f"{STAGING_PREFIX}1" / "old").mkdir(parents=True)
        (place / f"{STAGING_PREFIX}1" / "segmentation.seg.nrrd").write_bytes(b"half")
    prepare_folder(tmp_path / "out")
    assert names_in(tmp_path) == {"out"} and names_in(tmp_path / "out") == ALL


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_a_folder_whose_name_is_no_text_is_written(case, tmp_path):
    output = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xf6ut"))
    write_results(output, *case, normal())
    assert names_in(output) == ALL
