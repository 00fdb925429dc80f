"""Files that appear whole or not at all, also after a power cut: written beside their place, then moved there."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from OpportunisticBMDLib.system.scratch import Scratch, clear_abandoned

PART_PREFIX = ".part-"  # of the folder of a file that is being written


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a path to write to; what was written there takes the place of `path` once the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_abandoned(path.parent, PART_PREFIX)
    with Scratch(path.parent, PART_PREFIX) as scratch:
        part = scratch / path.name
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)


def write_bytes(path: Path, content: bytes) -> None:
    """Replaces a file, whole or not at all."""
    with replacing(path) as part:
        part.write_bytes(content)


def open_regular(path: Path) -> BinaryIO:
    """Opens a file for reading, and nothing else: a pipe would wait for ever, a device never end.

    Raises:
        OSError: it cannot be opened, or it is a pipe, a device, a socket or a folder.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
    return os.fdopen(descriptor, "rb")
