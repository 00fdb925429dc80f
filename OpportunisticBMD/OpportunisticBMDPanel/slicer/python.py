"""The interpreter that Slicer brings along."""

from __future__ import annotations

import shutil
import sys


def python_executable() -> str:
    """The interpreter for child processes: Slicer's own console Python, else the one that runs this."""
    return shutil.which("PythonSlicer") or sys.executable
