"""The folder of a cohort: what lies where in it, whose it is, and that one process at a time works in it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results.json_document import SCHEMA_VERSION, read_document
from OpportunisticBMDLib.results.json_entries import Entries
from OpportunisticBMDLib.system.files import write_bytes
from OpportunisticBMDLib.system.locks import try_lock


@dataclass(frozen=True)
class Place:
    """A cohort's folder; every process of it, on every computer, sees the same."""

    folder: Path

    @property
    def cases(self) -> Path:
        """A folder of results for each CT."""
        return self.folder / "cases"

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest"

    @property
    def attempts(self) -> Path:
        """A file for each CT that is being measured."""
        return self.folder / "attempts"

    @property
    def document(self) -> Path:
        """What the cohort is of, and how it is measured."""
        return self.folder / "cohort.json"

    def of(self, name: str) -> Path:
        """The folder of a CT's results."""
        return self.cases / name

    @contextmanager
    def held(self) -> Iterator[None]:
        """Makes it, and keeps other processes from measuring into it.

        Raises:
            BadInput: another process does.
        """
        for folder in (self.cases, self.manifest, self.attempts):
            folder.mkdir(parents=True, exist_ok=True)
        descriptor = self._opened()
        try:
            if not _is_free(descriptor):
                raise BadInput(f"Another process measures into {self.folder} now; wait for it, or end it.")
            yield
        finally:
            os.close(descriptor)

    @property
    def is_held(self) -> bool:
        """Whether a process measures into it now."""
        try:
            descriptor = self._opened()
        except OSError:
            return False
        try:
            return not _is_free(descriptor)
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        return os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)

    def enter(self, settings: Mapping[str, Any], cases: int) -> None:
        """Notes what it is of, how it is measured, and how many CTs there are by now.

        Raises:
            BadInput: what lies there was measured with other settings.
        """
        if self.document.exists():
            for key, known in self.noted("settings").items():
                if settings.get(key) != known:
                    raise BadInput(
                        f"{self.folder} holds a cohort whose {key} is {_told(known)}, not {_told(settings.get(key))}: "
                        "give the same, or choose another folder."
                    )
        document = {"schema_version": SCHEMA_VERSION, "settings": dict(settings), "cases": cases}
        write_bytes(self.document, json.dumps(document, indent=2).encode() + b"\n")

    def noted(self, key: str) -> Any:
        """What `enter` noted last, the "settings" or the number of "cases".

        Raises:
            BadInput: there is no cohort.
        """
        if not self.document.exists():
            raise BadInput(f"{self.folder} holds no cohort; give the folder that was named with -o.")
        return read_document(self.document, "cohort", lambda entries: _entry(entries, key))


def _entry(entries: Entries, key: str) -> Any:
    return entries.whole(key) if key == "cases" else dict(entries.part(key).values)


def _told(value: Any) -> str:
    return "not given" if value is None else f"{value}"


def _is_free(descriptor: int) -> bool:
    """Locks it; also where the file system knows no locks, and nobody can tell."""
    with suppress(OSError):
        return try_lock(descriptor)
    return True
