"""Voxels that two processes see, without a slow file in between.

On POSIX a memory-mapped file in the memory file system (the temporary folder where there is none), on Windows a named
mapping. `multiprocessing.shared_memory` would start a resource tracker with `sys.executable`, which inside 3D Slicer
may be Slicer itself, and does not reserve what it promises: a full memory file system then kills whoever writes.
"""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Literal

import numpy as np

from OpportunisticBMDLib.system.leftovers import MEMORY_FOLDER
from OpportunisticBMDLib.system.leftovers import MEMORY_PREFIX as PREFIX
from OpportunisticBMDLib.system.locks import is_still_at, try_lock

NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.ENOMEM, errno.EDQUOT)
COMMITMENT_LIMIT = 1455  # Windows' own number for the same
IS_WINDOWS = os.name == "nt"


def _named_memory(name: str, size: int) -> mmap.mmap:
    """Windows keeps memory by its name, as long as anybody holds it."""
    return mmap.mmap(-1, size, tagname=name)  # type: ignore[call-arg]  # only there


class SharedMemory:
    """A block of memory with a name by which one other process takes it over; then the name is gone.

    The memory itself lives as long as one of the two holds an array on it. While it has a name its maker keeps it
    locked: a name that is not locked is a leftover of a process that was killed.
    """

    def __init__(self, name: str, memory: mmap.mmap, locked: int | None = None) -> None:
        self.name = name
        self._memory = memory
        self._locked = locked

    def __del__(self) -> None:
        if self._locked is not None:
            os.close(self._locked)
            self._locked = None

    @classmethod
    def reserved(cls, size: int) -> SharedMemory:
        """New memory of `size` bytes, which is really there.

        Raises:
            OSError: it cannot be had; see `is_no_space`.
        """
        if IS_WINDOWS:
            name = PREFIX + uuid.uuid4().hex
            return cls(name, _named_memory(name, size))
        if os.access(MEMORY_FOLDER, os.W_OK):
            try:
                return cls._reserved_in(MEMORY_FOLDER, size)
            except OSError as error:
                if not is_no_space(error):
                    raise
        return cls._reserved_in(tempfile.gettempdir(), size)

    @classmethod
    def _reserved_in(cls, folder: str, size: int) -> SharedMemory:
        descriptor, name = _locked_file(folder)
        try:
            _allocate(descriptor, folder, size)
            return cls(name, mmap.mmap(descriptor, size), descriptor)
        except BaseException:
            os.unlink(name)
            os.close(descriptor)
            raise

    @classmethod
    def taken_over(cls, name: str, size: int) -> SharedMemory:
        """The memory that another process reserved."""
        if IS_WINDOWS:
            return cls(name, _named_memory(name, size))
        with open(name, "r+b") as file:
            os.unlink(name)
            return cls(name, mmap.mmap(file.fileno(), size))

    def array(self, shape: tuple[int, ...], dtype: np.dtype, order: Literal["C", "F"]) -> np.ndarray:
        """The memory as an array; `order` "C" or "F"."""
        return np.ndarray(shape, dtype, buffer=self._memory, order=order)

    def forget(self) -> None:
        """Takes the name away where nobody took the memory over."""
        if not IS_WINDOWS:
            Path(self.name).unlink(missing_ok=True)


def _locked_file(folder: str) -> tuple[int, str]:
    while True:
        descriptor, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)
        try:
            if try_lock(descriptor) and is_still_at(descriptor, name):
                return descriptor, name
        except OSError:  # no locks here: nobody will take it for a leftover
            return descriptor, name
        os.close(descriptor)  # another program took it for a leftover before it was locked


def is_no_space(error: OSError) -> bool:
    """Whether there was no room, rather than anything else wrong."""
    return error.errno in NO_SPACE or getattr(error, "winerror", None) == COMMITMENT_LIMIT


def _allocate(descriptor: int, folder: str, size: int) -> None:
    # Asked first: an attempt that is too large would fill the folder before it fails.
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), folder)
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.truncate(descriptor, size)
