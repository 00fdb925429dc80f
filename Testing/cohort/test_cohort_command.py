"""`opportunistic-bmd cohort` as a user meets it: measured, stopped, killed at any moment, and gone on with.

OBMD_COHORT_CTS says how many CTs are killed among; 40 where it says nothing.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cohort.made_cohort import BAD, write_cohort
from OpportunisticBMDLib.cohort.worker import ENDED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(find_spec("ray") is None, reason="cohorts are measured by the extra cohort"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes as Linux lists them"),
]

ROOT = Path(__file__).resolve().parents[2]
CTS = int(os.environ.get("OBMD_COHORT_CTS", 40))
DRIVER_KILLS, WORKER_KILLS = 4, 6
PATIENCE_S = 600.0 + 10 * CTS
LISTENING = "0A"  # the state in /proc/net/tcp


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    """The temporary folder of the processes of this test, by which they are known."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return folder


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "OpportunisticBMDLib", "cohort", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def run(*arguments: object, status: int = 0) -> str:
    """What the command says until it ends."""
    process = start(*arguments)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status, said
    return said


def wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def living(temporary: Path) -> dict[int, str]:
    """Processes of this test, with their command lines."""
    alive = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = b"TMPDIR=" + os.fsencode(temporary) in (entry / "environ").read_bytes().split(b"\0")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if is_ours and state not in "ZX" and int(entry.name) != os.getpid():
            alive[int(entry.name)] = command
    return alive


def workers(temporary: Path) -> list[int]:
    return [pid for pid, command in living(temporary).items() if command.startswith("ray::Worker")]


def rows(output: Path) -> dict[str, dict[str, Any]]:
    """The manifest by names, without what depends on the hour."""
    table = pd.read_parquet(output / "manifest")
    assert not table["name"].duplicated().any()
    entries = json.loads(table.drop(columns="seconds").to_json(orient="records"))
    return {row["name"]: row for row in entries}


def results(output: Path) -> dict[str, Any]:
    """Every result.json, without the time that it took."""
    files = sorted((output / "cases").glob("*/result.json"))
    return {path.parent.name: json.loads(path.read_text()) | {"timing_s": None} for path in files}


def done(output: Path) -> int:
    return len(list((output / "cases").glob("*/row.json")))


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_killed_at_ten_moments_the_manifest_is_that_of_an_unbroken_run(tmp_path, temporary):
    cts, whole, broken = (tmp_path / name for name in ("cts", "whole", "broken"))
    write_cohort(cts, CTS, every=4)
    run(cts, "-o", whole, "--progress", "none")
    assert len(rows(whole)) == CTS
    rng = random.Random(1)
    moments = sorted(rng.sample(range(1, CTS - len(BAD)), DRIVER_KILLS + WORKER_KILLS))
    drivers = set(rng.sample(moments, DRIVER_KILLS))
    process = start(cts, "-o", broken, "--progress", "none")
    killed = 0
    for moment in moments:
        wait(lambda moment=moment: done(broken) >= moment and workers(temporary))
        if moment in drivers:
            kill(process)
            process = start(cts, "-o", broken, "--progress", "none")
        else:
            os.kill(rng.choice(workers(temporary)), signal.SIGKILL)
        killed += 1
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert killed == DRIVER_KILLS + WORKER_KILLS
    assert rows(broken) == rows(whole)
    assert results(broken) == results(whole)
    assert {row["name"] for row in rows(whole).values() if row["status"] == "failed"} == {
        name.partition(".")[0] for name in BAD
    }
    assert not list((broken / "attempts").iterdir())
    wait(lambda: not living(temporary))  # Ray's own processes need a minute to find out that the driver is gone


def test_a_ct_that_ends_every_process_is_a_row_and_the_others_are_measured(tmp_path, temporary):
    cts, output = tmp_path / "cts", tmp_path / "out"
    write_cohort(cts, len(BAD) + 2)
    process = start(cts, "-o", output, "--jobs", 1, "--progress", "none")
    for attempt in "123":
        wait(lambda attempt=attempt: (output / "attempts" / "ct000").is_file() and attempt in read(output, "ct000"))
        assert not outward_ports(living(temporary))
        (worker,) = workers(temporary)
        os.kill(worker, signal.SIGKILL)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    found = rows(output)
    assert found["ct000"]["message"] == ENDED and found["ct000"]["status"] == "failed"
    assert found["ct001"]["status"] == "refused" and len(found) == len(BAD) + 2


def read(output: Path, name: str) -> str:
    try:
        return (output / "attempts" / name).read_text()
    except FileNotFoundError:
        return ""


def outward_ports(processes: dict[int, str]) -> list[str]:
    """Addresses at which processes listen that others than this computer can reach."""
    sockets = set()
    for pid in processes:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets.add(os.readlink(descriptor))
            except OSError:
                continue
    addresses = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, state, inode = (line.split()[column] for column in (1, 3, 9))
            if state == LISTENING and f"socket:[{inode}]" in sockets and "0100007F" not in address:
                addresses.append(f"{table} {address}")
    return addresses


def test_what_takes_too_long_fails_and_can_be_measured_again(tmp_path):
    cts, output = tmp_path / "cts", tmp_path / "out"
    write_cohort(cts, len(BAD) + 1)
    for name in BAD:
        (cts / name).unlink()
    run(cts, "-o", output, "--limit", 0.005, "--progress", "none")
    (row,) = rows(output).values()
    assert row["status"] == "failed" and row["message"] == "It took longer than 0.005 minutes."
    assert "1 failed" in run(cts, "-o", output, "--progress", "none")
    (cts / "late.nrrd").write_text("no image")  # comes later
    said = run(cts, "-o", output, "--retry", "--progress", "json")
    assert '"total": 2' in said
    found = rows(output)
    assert found["ct000"]["bmd_mg_cm3"] is not None and found["late"]["status"] == "failed"
    said = run(cts, "-o", output, "--kvp", 100, status=2)
    assert "whose kvp is not given, not 100" in said
    assert "2 of 2 CTs done, 0 left" in run("status", output)


def test_ctrl_c_ends_at_once_and_tells_nothing_about_a_ct(tmp_path, temporary):
    cts, output = tmp_path / "cts", tmp_path / "out"
    write_cohort(cts, len(BAD) + 8, every=1)
    process = start(cts, "-o", output, "--progress", "none")
    wait(lambda: done(output) and list((output / "attempts").glob("ct*")))
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and "goes on where it was" in said and "Traceback" not in said
    assert not list((output / "attempts").iterdir()) and 0 < len(rows(output)) <= done(output)
    wait(lambda: not living(temporary))
    assert not [path for path in temporary.iterdir() if not path.name.startswith("obmd-core-")]


def test_models_that_cannot_be_loaded_end_it_with_a_sentence(tmp_path):
    (tmp_path / "cts").mkdir()
    (tmp_path / "cts" / "a.nrrd").write_text("no image")
    said = run(tmp_path / "cts", "-o", tmp_path / "out", "--models", tmp_path / "nowhere", status=2)
    assert "nowhere" in said and "Traceback" not in said
    assert not list((tmp_path / "out" / "manifest").iterdir())


def test_where_ray_ends_processes_for_want_of_memory_it_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_memory_usage_threshold", "0.001")  # of the computer's
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "50")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")  # of a cluster, which was not asked for
    (tmp_path / "cts").mkdir()
    (tmp_path / "cts" / "a.nrrd").write_text("no image")
    said = run(tmp_path / "cts", "-o", tmp_path / "out", "--progress", "none", status=2)
    assert "out of memory?" in said and "Traceback" not in said


def test_a_folder_without_a_ct_leaves_nothing(tmp_path):
    (tmp_path / "cts").mkdir()
    assert "There is no CT in" in run(tmp_path / "cts", "-o", tmp_path / "out", status=2)
    assert not (tmp_path / "out").exists()
