"""Folders for files on their way. What a killed program left in one is removed by the next that works there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from OpportunisticBMDLib.system.locks import is_still_at, try_lock

LOCK = ".lock"  # in the folder; held by the process that uses it


class Scratch:
    """A new folder that only this process uses.

    Args:
        place: the folder that it lies in.
        prefix: what its name begins with.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, place: Path, prefix: str) -> None:
        self.folder, self._lock = _locked_folder(place, prefix)

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Removes it with all that it holds."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        shutil.rmtree(self.folder, ignore_errors=True)  # Windows removes no file that is open


def clear_abandoned(place: Path, prefix: str, rescue: Callable[[Path], None] | None = None) -> None:
    """Removes the scratch folders of processes that are gone. What cannot be removed, or told to be abandoned, stays.

    Args:
        rescue: takes out of each what is worth keeping, before it is removed; where it raises OSError the folder stays.
    """
    for folder in own_entries(place, prefix):
        if not folder.is_dir():
            continue
        with _taken_over(folder) as is_abandoned:
            if not is_abandoned or not _is_rescued(folder, rescue):
                continue
            gone = _renamed(folder)
        gone = gone or _renamed(folder)  # Windows renames no folder in which a file is open
        if gone is not None:
            shutil.rmtree(gone, ignore_errors=True)


def _renamed(folder: Path) -> Path | None:
    """Takes a folder's name away, so that a process which has just made it looks for another one; None: it cannot."""
    gone = folder.with_name(f"{folder.name}-gone")
    try:
        os.rename(folder, gone)
    except OSError:
        return None
    return gone


def _is_rescued(folder: Path, rescue: Callable[[Path], None] | None) -> bool:
    try:
        if rescue is not None:
            rescue(folder)
    except OSError:
        return False
    return True


def own_entries(place: Path, prefix: str) -> list[Path]:
    """This user's files and folders in a place whose names begin so; never links."""
    try:
        with os.scandir(place) as entries:
            return [Path(entry.path) for entry in entries if entry.name.startswith(prefix) and _is_own(entry)]
    except OSError:
        return []


def _is_own(entry: os.DirEntry[str]) -> bool:
    try:
        owner = entry.stat(follow_symlinks=False).st_uid
    except OSError:  # gone meanwhile
        return False
    return not entry.is_symlink() and (not hasattr(os, "getuid") or owner == os.getuid())


def _locked_folder(place: Path, prefix: str) -> tuple[Path, int | None]:
    """A folder and its lock; None where the file system knows no locks, so that nobody ever takes it for abandoned."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        try:
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:  # another program took it for abandoned before it was locked
            continue
        try:
            if try_lock(descriptor) and is_still_at(descriptor, folder / LOCK):
                return folder, descriptor
        except OSError:
            os.close(descriptor)
            return folder, None
        os.close(descriptor)


@contextmanager
def _taken_over(folder: Path) -> Iterator[bool]:
    """Holds a folder's lock; False where its process lives, or nobody can tell."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield False
        return
    try:
        yield _is_free(descriptor, folder)
    finally:
        os.close(descriptor)


def _is_free(descriptor: int, folder: Path) -> bool:
    try:
        return try_lock(descriptor) and is_still_at(descriptor, folder / LOCK)
    except OSError:
        return False
