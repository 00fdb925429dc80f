"""A folder that takes the objects it waits for, and no others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from OpportunisticBMDLib.pacs.found import Instance

SUFFIX = ".dcm"


class Inbox:
    """Objects arrive in it, in any order and maybe in another thread; each is a file named after its UID.

    Args:
        folder: is there.
        awaited: what is to arrive.
    """

    def __init__(self, folder: Path, awaited: Iterable[Instance]) -> None:
        self.awaited = {instance.uid: instance for instance in awaited}
        self._folder = folder
        self._missing = set(self.awaited)
        self._failure: OSError | None = None

    @property
    def missing(self) -> int:
        """How many have not arrived."""
        return len(self._missing)

    def put(self, uid: str, content: bytes) -> bool:
        """Writes an object; False, and nothing is written, where nobody waits for it, or it cannot be written."""
        if uid not in self.awaited or self._failure is not None:
            return False
        try:
            (self._folder / f"{uid}{SUFFIX}").write_bytes(content)
        except OSError as error:
            self._failure = error
            return False
        self._missing.discard(uid)
        return True

    def check(self) -> None:
        """Raises the OSError for which an object could not be written, if there was one."""
        if self._failure is not None:
            raise self._failure
