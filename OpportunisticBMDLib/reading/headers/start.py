"""The first bytes of a file, by which formats are told apart, and texts in it, short enough for a message."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from OpportunisticBMDLib.system.files import open_regular

_GZIP = b"\x1f\x8b"


def is_gzip(path: Path) -> bool:
    """Raises OSError where the file cannot be read."""
    with open_regular(path) as file:
        return file.read(2) == _GZIP


def start_of(path: Path, count: int) -> bytes:
    """Up to `count` bytes, unpacked where the file is a gzip; fewer where it is damaged.

    Raises:
        OSError: the file cannot be read.
    """
    with open_regular(path) as file:
        if file.read(2) != _GZIP:
            file.seek(0)
            return file.read(count)
        file.seek(0)
        try:
            return gzip.GzipFile(fileobj=file).read(count)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            return b""


def shown(text: str) -> str:
    """A text from a header, cut to what a sentence can hold."""
    return text if len(text) <= 60 else f"{text[:57]}..."
