"""What a killed program leaves outside of the user's folders: unpacked archives, and memory that nobody took over."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from OpportunisticBMDLib.system.locks import try_lock
from OpportunisticBMDLib.system.scratch import clear_abandoned, own_entries

TEMPORARY_PREFIX = "opportunistic-bmd-"  # of folders in the system's temporary folder
MEMORY_PREFIX = "obmd-"  # of shared memory, which its maker keeps locked while it has a name
MEMORY_FOLDER = "/dev/shm"


def clear_leftovers() -> None:
    """Removes what processes left that are gone; every program calls it when it starts."""
    temporary = Path(tempfile.gettempdir())
    clear_abandoned(temporary, TEMPORARY_PREFIX)
    for place in (Path(MEMORY_FOLDER), temporary):
        for path in own_entries(place, MEMORY_PREFIX):
            if path.is_file():
                with contextlib.suppress(OSError):
                    _remove_abandoned(path)


def _remove_abandoned(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        if try_lock(descriptor):
            path.unlink()
    finally:
        os.close(descriptor)
