"""What a process of a cohort may take of its computer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such limits")

CORE = """
import os, sys
from OpportunisticBMDLib.cohort.limits import take_core
take_core()
print(*os.sched_getaffinity(0), flush=True)
sys.stdin.read()
"""
MEMORY = """
from OpportunisticBMDLib.cohort.limits import limit_memory
limit_memory(0.2)
bytearray(10**8)
try:
    bytearray(10**9)
except MemoryError:
    print("no more")
"""


def start(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_every_process_has_a_core_of_its_own_until_it_ends(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    cores = os.sched_getaffinity(0)
    processes = [start(CORE) for _ in cores]
    try:
        assert {int(process.stdout.readline()) for process in processes} == cores
        late = start(CORE)
        processes.append(late)
        assert set(map(int, late.stdout.readline().split())) == cores  # all are taken: none of its own
        processes[0].kill()
        processes[0].wait()
        next_one = start(CORE)
        processes.append(next_one)
        assert len(next_one.stdout.readline().split()) == 1
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_more_memory_than_allowed_is_an_error_and_not_the_end():
    said, _ = start(MEMORY).communicate()
    assert said == "no more\n"
