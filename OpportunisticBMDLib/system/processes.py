"""Child processes that can be ended with all that they started, and how many cores there are for them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def usable_cores() -> int:
    """How many cores this process may use, which are fewer than there are where it was bound to some."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_own_group() -> dict[str, Any]:
    """The arguments of `subprocess.Popen` by which `end_tree` finds all that the child starts. It opens no window."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def finding(folders: Iterable[str | Path]) -> dict[str, str]:
    """This process's environment, in which a child's Python imports from these folders first."""
    environment = dict(os.environ)
    paths = [*map(str, folders), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """Kills a process and all that it started, at once, and waits until it is gone.

    Args:
        process: started with `in_own_group`; it may have ended already.
    """
    if sys.platform == "win32":
        command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(command, capture_output=True, creationflags=subprocess.CREATE_NO_WINDOW, check=False)
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # gone; macOS: only a zombie is left
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
