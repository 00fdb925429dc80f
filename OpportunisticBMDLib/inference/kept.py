"""What takes long to make is kept in the user's cache; where that is damaged or cannot be written, it is made anew."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from OpportunisticBMDLib.system.files import open_regular, write_bytes
from OpportunisticBMDLib.system.user_data import user_cache_folder

FOLDER_VARIABLE = "OPPORTUNISTIC_BMD_CACHE"
DIGEST_BYTES = 32

T = TypeVar("T")


def kept(name: str, make: Callable[[], bytes], read: Callable[[bytes], T]) -> T:
    """What `read` makes of the file of this name, or else of what `make` gives, which is then kept for the next time.

    A checksum lies in front of the content: one changed byte could change a network's answers.

    Args:
        read: may raise RuntimeError for content that is of no use.
    """
    path = cache_folder() / name
    with suppress(OSError, ValueError, RuntimeError):
        return read(_checked(path))
    content = make()
    with suppress(OSError):
        write_bytes(path, hashlib.sha256(content).digest() + content)
    return read(content)


def can_keep() -> bool:
    """Whether there is a folder to keep anything in."""
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache_folder()):
            return True
    except OSError:
        return False


def cache_folder() -> Path:
    """The user's, or the one that the environment names."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(os.path.expanduser(named)) if named else user_cache_folder()


def _checked(path: Path) -> bytes:
    with open_regular(path) as file:
        digest, content = file.read(DIGEST_BYTES), file.read()
    if hashlib.sha256(content).digest() != digest:
        raise ValueError(f"{path} is damaged")
    return content
