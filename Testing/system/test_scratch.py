"""What a killed program left is removed by the next one; what a living one uses is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from OpportunisticBMDLib.system import leftovers
from OpportunisticBMDLib.system.files import PART_PREFIX, replacing, write_bytes
from OpportunisticBMDLib.system.leftovers import MEMORY_PREFIX, TEMPORARY_PREFIX, clear_leftovers
from OpportunisticBMDLib.system.scratch import Scratch, clear_abandoned

HOLDER = """
import sys, time
from pathlib import Path
from OpportunisticBMDLib.system.scratch import Scratch
scratch = Scratch(Path(sys.argv[1]), "held-")
(scratch.folder / "patient").write_text("voxels")
print(scratch.folder, flush=True)
time.sleep(600)
"""


def holder(place: Path) -> tuple[subprocess.Popen, Path]:
    """A process at work in a scratch folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(place)], stdout=subprocess.PIPE, text=True)
    return process, Path(process.stdout.readline().strip())


def kill(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_folder_is_removed_when_it_is_closed(tmp_path):
    with Scratch(tmp_path, "held-") as folder:
        (folder / "deep").mkdir()
        assert folder.parent == tmp_path and folder.name.startswith("held-")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_was_removed_by_others_can_be_closed(tmp_path):
    scratch = Scratch(tmp_path, "held-")
    (scratch.folder / ".lock").unlink()
    scratch.folder.rmdir()
    scratch.close()
    scratch.close()


def test_what_a_living_process_uses_stays_until_it_is_killed(tmp_path):
    process, folder = holder(tmp_path)
    try:
        clear_abandoned(tmp_path, "held-")
        assert (folder / "patient").read_text() == "voxels"
    finally:
        kill(process)
    assert folder.exists()
    clear_abandoned(tmp_path, "other-")
    assert folder.exists()
    clear_abandoned(tmp_path, "held-")
    assert not list(tmp_path.iterdir())


def test_what_this_process_uses_stays(tmp_path):
    with Scratch(tmp_path, "held-") as folder:
        clear_abandoned(tmp_path, "held-")
        assert folder.is_dir()


CROWD = """
import os, random, sys, time
from pathlib import Path
from OpportunisticBMDLib.system.scratch import Scratch, clear_abandoned
place, rng = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
for number in range(300):
    clear_abandoned(place, "held-")
    scratch = Scratch(place, "held-")
    (scratch.folder / "mine").write_text(str(number))
    time.sleep(rng.uniform(0, 0.002))
    clear_abandoned(place, "held-")
    assert (scratch.folder / "mine").read_text() == str(number)
    if rng.random() < 0.8:
        scratch.close()
    else:
        os.close(scratch._lock)  # as if it were killed
        scratch._lock = None
"""


def test_many_at_once_take_nothing_from_each_other(tmp_path):
    crowd = [subprocess.Popen([sys.executable, "-c", CROWD, str(tmp_path), str(seed)]) for seed in range(4)]
    assert [process.wait() for process in crowd] == [0] * 4
    clear_abandoned(tmp_path, "held-")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_and_what_they_point_to_stay(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").write_text("years of work")
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "held-link").symlink_to(tmp_path / "mine")
    clear_abandoned(tmp_path / "place", "held-")
    assert (tmp_path / "mine" / "thesis").read_text() == "years of work"


def test_what_is_worth_keeping_is_rescued_first(tmp_path):
    (tmp_path / "held-1").mkdir()
    (tmp_path / "held-1" / "former").write_text("good")
    clear_abandoned(tmp_path, "held-", lambda folder: os.replace(folder / "former", tmp_path / "former"))
    assert [path.name for path in tmp_path.iterdir()] == ["former"]


def test_what_cannot_be_rescued_stays(tmp_path):
    def rescue(folder: Path) -> None:
        raise OSError("no space")

    (tmp_path / "held-1").mkdir()
    (tmp_path / "held-1" / "former").write_text("good")
    clear_abandoned(tmp_path, "held-", rescue)
    assert (tmp_path / "held-1" / "former").read_text() == "good"


def test_a_part_of_a_file_is_removed_by_the_next_that_writes_there(tmp_path):
    (tmp_path / f"{PART_PREFIX}1").mkdir()
    (tmp_path / f"{PART_PREFIX}1" / "a.json").write_text("{")
    with replacing(tmp_path / "b.json") as living:
        write_bytes(tmp_path / "a.json", b"{}")
        living.write_text("[]")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.json": "{}", "b.json": "[]"}


MEMORY_HOLDER = """
import time
from OpportunisticBMDLib.worker.shared import SharedMemory
memory = SharedMemory.reserved(4096)
print(memory.name, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="memory has no files there")
def test_unpacked_archives_and_memory_of_the_dead_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(leftovers, "MEMORY_FOLDER", str(tmp_path / "shm"))
    (tmp_path / "shm").mkdir()
    for place in (tmp_path, tmp_path / "shm"):
        (place / f"{MEMORY_PREFIX}1").write_bytes(b"voxels")
    (tmp_path / f"{TEMPORARY_PREFIX}1").mkdir()
    (tmp_path / "opportunistic.txt").write_text("mine")
    clear_leftovers()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["opportunistic.txt", "shm"]


@pytest.mark.skipif(sys.platform == "win32", reason="memory has no files there")
def test_memory_of_a_living_process_stays():
    process = subprocess.Popen([sys.executable, "-c", MEMORY_HOLDER], stdout=subprocess.PIPE, text=True)
    name = Path(process.stdout.readline().strip())
    try:
        clear_leftovers()
        assert name.exists()
        os.kill(process.pid, signal.SIGKILL)
    finally:
        kill(process)
    clear_leftovers()
    assert not name.exists()
