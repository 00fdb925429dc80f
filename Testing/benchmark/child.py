"""Runs a program in a process of its own, and says what it cost from its start to its end."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from OpportunisticBMDLib.system.processes import finding

REPOSITORY = Path(__file__).resolve().parents[2]
KIB = 1 if sys.platform == "darwin" else 1024  # what the system counts the most memory in


class Failed(Exception):
    """The child ended otherwise than it should; the message is what it said."""


@dataclass(frozen=True)
class Ended:
    """What a child said on standard output, and what it cost.

    The most memory counts from the parent's when the child was started, so that the parent has to stay small: what
    reads CTs or imports torch is a child itself.
    """

    said: str
    wall_s: float
    cpu_s: float
    peak_bytes: int


def run(module: str, *arguments: object, cores: int | None = None, statuses: tuple[int, ...] = (0,)) -> Ended:
    """Runs `python -m module`.

    Args:
        cores: that it may use; all by default.
        statuses: with which it may end.

    Raises:
        Failed: it ended with another.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors, _on(cores):
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=errors,
            cwd=REPOSITORY,
            env=finding([REPOSITORY, REPOSITORY / "training"]),
        )
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said, complained = (_text(file) for file in (output, errors))
    if process.returncode not in statuses:
        raise Failed(f"{module} ended with status {process.returncode}: {complained.strip() or said.strip()}")
    return Ended(said, wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss * KIB)


def all_cores() -> int:
    """How many a child may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _on(cores: int | None) -> Iterator[None]:
    """A child keeps to the cores of the thread that starts it."""
    if cores is None or cores == all_cores():
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _text(file: tempfile._TemporaryFileWrapper[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
