"""Child processes end with all that they started, and find what they import."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from OpportunisticBMDLib.system.processes import end_tree, finding, in_own_group

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
on_linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes as Linux lists them")


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def holds(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether something comes true within so many seconds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def started(code: str, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, **in_own_group(), **options)


@on_linux
def test_child_and_grandchild_are_gone():
    with started(PARENT) as child:
        grandchild = int(child.stdout.readline())
        assert is_alive(child.pid) and is_alive(grandchild)
        end_tree(child)
        assert child.returncode != 0 and not is_alive(child.pid)
        assert holds(lambda: not is_alive(grandchild))


@on_linux
def test_a_grandchild_whose_parent_has_ended_is_gone_too():
    with started(PARENT.replace("time.sleep(600)\n", "", 1)) as child:
        grandchild = int(child.stdout.readline())
        assert holds(lambda: not is_alive(child.pid)) and is_alive(grandchild)
        end_tree(child)
        assert holds(lambda: not is_alive(grandchild))


def test_this_process_and_others_live_on():
    with started("import time; time.sleep(600)") as other, started("import time; time.sleep(600)") as child:
        end_tree(child)
        assert child.poll() is not None and other.poll() is None
        end_tree(other)


def test_ending_what_has_ended_does_no_harm():
    with started("pass") as child:
        child.wait()
        end_tree(child)
        end_tree(child)
        assert child.returncode == 0


def test_a_child_imports_from_the_folders_it_is_given_before_any_other(tmp_path, monkeypatch):
    for place in ("first", "second"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "obmd_example.py").write_text(f"place = {place!r}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "second"))
    environment = finding([tmp_path / "first"])
    with started("import obmd_example; print(obmd_example.place)", env=environment) as child:
        assert child.stdout.read().strip() == b"first"
    monkeypatch.delenv("PYTHONPATH")
    assert finding([tmp_path / "first"])["PYTHONPATH"] == str(tmp_path / "first")
    assert "PYTHONPATH" not in os.environ
