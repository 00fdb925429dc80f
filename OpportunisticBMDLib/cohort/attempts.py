"""How often a CT was begun: one that ends every process that measures it is not begun for ever."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from OpportunisticBMDLib.system.files import write_bytes

MOST_ATTEMPTS = 3


def begin(folder: Path, name: str) -> int:
    """Counts one more attempt, before it is made, so that the end of any process counts; how many there were before."""
    before = attempts(folder, name)
    write_bytes(folder / name, str(before + 1).encode())
    return before


def attempts(folder: Path, name: str) -> int:
    """How often it was begun and not ended."""
    try:
        return int((folder / name).read_text())
    except (OSError, ValueError):
        return 0


def end(folder: Path, name: str) -> None:
    """Forgets them: the CT is done, or was stopped on purpose."""
    with suppress(FileNotFoundError):
        (folder / name).unlink()
