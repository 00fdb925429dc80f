"""Files that say who the patient is, for nobody but their owner."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def private_files() -> Iterator[None]:
    """Nobody else can read the files and folders that are made within the block."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
