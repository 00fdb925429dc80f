"""What a process of a cohort may take of its computer: one core, and so much memory."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from OpportunisticBMDLib.system.leftovers import MEMORY_PREFIX
from OpportunisticBMDLib.system.locks import is_still_at, try_lock

CORE_PREFIX = f"{MEMORY_PREFIX}core-"  # of empty files, each locked by the process that has the core: see leftovers
GB = 10**9


def take_core() -> None:
    """Binds this process and all that it starts to a core that no other process of a cohort has.

    Engines start a thread for each core that they may use, and as many processes as cores would get into each other's
    way. Nothing happens where the system knows no such binding, or all cores are taken.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    for core in sorted(os.sched_getaffinity(0)):
        path = Path(tempfile.gettempdir()) / f"{CORE_PREFIX}{core}"
        with contextlib.suppress(OSError):  # another user's
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if try_lock(descriptor) and is_still_at(descriptor, path):
                os.sched_setaffinity(0, {core})  # the lock lasts as long as the process
                return
            os.close(descriptor)


def limit_memory(most_gb: float) -> None:
    """Lets this process take so much more memory than it has: what needs more is a `MemoryError`. On Linux alone."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + int(most_gb * GB), resource.RLIM_INFINITY))
