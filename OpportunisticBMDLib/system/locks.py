"""A lock that lasts as long as its process: the system takes it away from one that ends, however it ends."""

from __future__ import annotations

import os
import sys


def try_lock(descriptor: int) -> bool:
    """Locks an open file until it is closed, or its process is gone; False where another one has it.

    Raises:
        OSError: the file system knows no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
    else:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def is_still_at(descriptor: int, path: str | os.PathLike[str]) -> bool:
    """Whether an open file is the one that lies at a path: another program may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False
