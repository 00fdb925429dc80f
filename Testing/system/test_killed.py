"""Programs that are killed at any moment: the same command again gives the same files, and nothing else is left."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.results.folder import PREVIEW, REPORT, SEGMENTATION
from OpportunisticBMDLib.results.segmentation_file import write_segmentation
from OpportunisticBMDLib.system.leftovers import MEMORY_FOLDER, MEMORY_PREFIX
from OpportunisticBMDLib.system.locks import try_lock

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes as Linux lists them"),
]

ROOT = Path(__file__).resolve().parents[2]
KILLS = 10
PATIENCE_S = 300.0


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """The temporary folder of this process and of those that it starts."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # several threads add up in another order at another load
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT, ROOT / "Testing"))))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def start(*command: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def heard(process: subprocess.Popen[bytes], word: str) -> None:
    """Waits until a process has said a word."""
    for line in process.stdout:
        if word.encode() in line:
            return
    raise AssertionError(f"it ended before it said {word}")


def kill(process: subprocess.Popen[bytes]) -> bool:
    """Whether it was still running."""
    is_running = process.poll() is None
    process.kill()
    process.communicate()
    return is_running


def finish(process: subprocess.Popen[bytes]) -> None:
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said.decode()


def holds(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def living(mark: Path) -> list[int]:
    """Processes with this temporary folder."""
    alive = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if b"TMPDIR=" + os.fsencode(mark) in environment and state not in "ZX" and int(entry.name) != os.getpid():
            alive.append(int(entry.name))
    return alive


def memory() -> list[Path]:
    """Shared memory that no living process holds: others may measure at the same time."""
    return [path for path in Path(MEMORY_FOLDER).glob(f"{MEMORY_PREFIX}*") if is_free(path)]


def is_free(path: Path) -> bool:
    try:
        with path.open("r+b") as file:
            return try_lock(file.fileno())
    except FileNotFoundError:
        return False


def left_in(temporary: Path) -> list[Path]:
    """All but torch's own empty folder."""
    return [path for path in temporary.iterdir() if not path.name.startswith("torchinductor")]


def files_of(folder: Path) -> dict[str, Any]:
    """What lies below a folder, but for what depends on the hour: when it was, and how long each step took."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in folder.rglob("*") if path.name != ".dataset.lock"):
        name = str(path.relative_to(folder))
        if path.name == "result.json":
            found[name] = json.loads(path.read_text()) | {"timing_s": None}
        elif path.name == "report.html":
            found[name] = None
        elif path.name.endswith(".seg.nrrd"):
            found[name] = re.sub(rb"# on [^\n]*\n", b"", path.read_bytes(), count=1)
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


def check_whole(folder: Path) -> None:
    """A result.json says that the others are there, and whole."""
    if (folder / "result.json").exists():
        json.loads((folder / "result.json").read_text())
        assert all((folder / name).stat().st_size > 0 for name in (SEGMENTATION, PREVIEW, REPORT))
        assert (folder / "report.html").read_text().rstrip().endswith("</html>")


@pytest.fixture
def patient(tmp_path) -> Path:
    """A small CT in a zip, and its masks."""
    ct, segmentation = synthetic_case(grid_of("straight"))
    noise = np.random.default_rng(1).normal(0, 25, ct.volume.grid.size)
    noisy = Volume((ct.volume.array + noise).astype(np.int16), ct.volume.grid)
    sitk.WriteImage(noisy.to_sitk(), str(tmp_path / "ct.nii.gz"))
    with zipfile.ZipFile(tmp_path / "ct.zip", "w") as archive:
        archive.write(tmp_path / "ct.nii.gz", "ct.nii.gz")
    write_segmentation(segmentation.labels, tmp_path / "masks.seg.nrrd")
    return tmp_path


def test_compute(patient, temporary):
    def compute(output: str) -> subprocess.Popen[bytes]:
        options = ["--segmentation", patient / "masks.seg.nrrd", "-o", patient / "results" / output]
        return start("-m", "OpportunisticBMDLib", "compute", patient / "ct.zip", *options, "--progress", "json")

    finish(compute("whole"))
    rng, killed, left = random.Random(1), 0, 0
    for stage in ("read", "load models", "measure", *["write"] * (KILLS - 3)):
        process = compute("broken")
        heard(process, f'"{stage}"')
        time.sleep(rng.uniform(0, 1.0))
        killed += kill(process)
        check_whole(patient / "results" / "broken")
        left += bool(left_in(temporary)) or any((patient / "results").rglob(".obmd-*"))
        assert not living(temporary)
    assert killed >= KILLS // 2 and left
    finish(compute("broken"))
    assert files_of(patient / "results" / "broken") == files_of(patient / "results" / "whole")
    assert {path.name for path in (patient / "results").iterdir()} == {"broken", "whole"}
    assert not left_in(temporary)


READER = """
import sys, time
from pathlib import Path
from OpportunisticBMDLib.reading import read_ct
print("begun", flush=True)
while True:
    read_ct(sys.argv[1])
"""


def test_reading_of_a_zip(patient, temporary):
    rng, left = random.Random(2), 0
    for _ in range(KILLS):
        process = start("-c", READER, patient / "ct.zip")
        heard(process, "begun")
        time.sleep(rng.uniform(0, 0.3))
        assert kill(process)
        left += bool(left_in(temporary))
    assert left
    finish(start("-m", "OpportunisticBMDLib", "models"))  # any command
    assert not left_in(temporary)


EXPORT = """
import sys
from pathlib import Path
from dataclasses import replace
from example_results import grid_of, normal, synthetic_case
from OpportunisticBMDLib.results import preview, report  # else it would mostly be killed while these are imported
from OpportunisticBMDLib.results.folder import write_results
ct, segmentation = synthetic_case(grid_of("straight"))
bmd = float(sys.argv[2])
print("begun", flush=True)
write_results(Path(sys.argv[1]), ct, segmentation, replace(normal(), bmd_mg_cm3=bmd))
print("done", flush=True)
"""


def test_export(tmp_path, temporary):
    begun = start("-c", EXPORT, tmp_path / "results" / "whole", 150)
    heard(begun, "begun")
    moment = time.monotonic()
    heard(begun, "done")
    duration = time.monotonic() - moment
    finish(begun)
    finish(start("-c", EXPORT, tmp_path / "results" / "broken", 90))
    rng, killed = random.Random(3), 0
    for _ in range(KILLS):
        process = start("-c", EXPORT, tmp_path / "results" / "broken", 150)
        heard(process, "begun")
        time.sleep(rng.uniform(0.2, 1.1) * duration)
        killed += kill(process)
        check_whole(tmp_path / "results" / "broken")
    assert killed >= KILLS // 2
    finish(start("-c", EXPORT, tmp_path / "results" / "broken", 150))
    assert files_of(tmp_path / "results" / "broken") == files_of(tmp_path / "results" / "whole")
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"broken", "whole"}
    assert not left_in(temporary)


SAVE = """
import sys
from itertools import count
from pathlib import Path
from annotated_cases import INFO, annotated_case
from OpportunisticBMDLib.cases import Case, update_case, write_case
from OpportunisticBMDLib.cases.drafts import Draft, discard_draft, save_draft

directory, rounds = Path(sys.argv[1]), int(sys.argv[2])
case = annotated_case("case-2")
write_case(directory, annotated_case("case-1"))
print("begun", flush=True)
for _ in range(rounds):
    save_draft(directory / "cases" / "case-1", Draft(case.labels, {}))
    write_case(directory, case, fold=1)
    update_case(directory, "case-1", labels=case.labels, info=INFO, status="reviewed")
    discard_draft(directory / "cases" / "case-1")
"""


def test_saving_into_a_dataset(tmp_path, temporary):
    finish(start("-c", SAVE, tmp_path / "set", 1))
    whole = files_of(tmp_path / "set")
    rng, left = random.Random(4), 0
    for _ in range(KILLS):
        process = start("-c", SAVE, tmp_path / "set", 10_000)
        heard(process, "begun")
        time.sleep(rng.uniform(0, 0.5))
        assert kill(process)
        left += files_of(tmp_path / "set") != whole
    assert left
    finish(start("-c", SAVE, tmp_path / "set", 1))
    assert files_of(tmp_path / "set") == whole
    assert not left_in(temporary)


WINDOW = """
import sys, time
from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.worker.client import Worker
from OpportunisticBMDLib.worker.messages import Failed, Finished
ct, segmentation = synthetic_case(grid_of("straight"))
with Worker() as worker:
    print("begun", flush=True)
    worker.measure(ct, segmentation)
    events = []
    while not any(isinstance(event, (Failed, Finished)) for event in events):
        events += worker.poll()
        time.sleep(0.001)
    last = events[-1]
    print(last.message if isinstance(last, Failed) else last.run.result.bmd_mg_cm3, flush=True)
"""


def measured() -> str:
    process = start("-c", WINDOW)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said.decode()
    return said.decode().splitlines()[-1]


@pytest.mark.parametrize("victim", ["the window", "the worker"])
def test_worker(temporary, victim):
    whole = measured()
    rng = random.Random(5)
    for _ in range(KILLS // 2):
        process = start("-c", WINDOW)
        heard(process, "begun")
        time.sleep(rng.choice([rng.uniform(0, 0.2), rng.uniform(0, 4)]))
        if victim == "the window":
            kill(process)
        else:
            for child in set(living(temporary)) - {process.pid}:
                os.kill(child, signal.SIGKILL)
            said, _ = process.communicate(timeout=PATIENCE_S)
            assert process.returncode == 0 and (b"ended unexpectedly" in said or whole.encode() in said), said.decode()
        assert holds(lambda: not living(temporary))
    assert measured() == whole
    assert not memory() and not left_in(temporary)
