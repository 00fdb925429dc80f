"""No mutated input ends in a traceback, a crash, a hang or exhausted memory, nor leaves anything behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nibabel", reason="the inputs are written with the extra cases")
if not sys.platform.startswith("linux"):
    pytest.skip("trials are forked, and bounded as Linux bounds them", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]


def test_200_mutated_inputs():
    """In a program of its own: what has threads, as a test may, cannot be forked safely."""
    command = [sys.executable, "-m", "fuzz", "-n", "200"]
    path = {"PYTHONPATH": f"{ROOT / 'Testing'}:{ROOT}:{ROOT / 'training'}", "PATH": ""}
    done = subprocess.run(command, env=path, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
