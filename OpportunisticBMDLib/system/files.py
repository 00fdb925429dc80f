"""Files that appear whole or not at all, also after a power cut: written beside their place, then moved there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART_PREFIX = ".part-"  # a file that was being written when its program was killed


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a path to write to; what was written there takes the place of `path` once the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=PART_PREFIX, dir=path.parent) as scratch:
        part = Path(scratch) / path.name
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)


def write_bytes(path: Path, content: bytes) -> None:
    """Replaces a file, whole or not at all."""
    with replacing(path) as part:
        part.write_bytes(content)
