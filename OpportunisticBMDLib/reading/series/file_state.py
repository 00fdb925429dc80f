"""Whether a file is still the one that was read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileState:
    """Size, and time of the last change: enough to notice that a file was exchanged."""

    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Raises OSError where it is gone."""
        state = path.stat()
        return cls(state.st_size, state.st_mtime_ns)

    def is_of(self, path: Path) -> bool:
        """Whether the file still looks so."""
        try:
            return self == FileState.of(path)
        except OSError:
            return False
