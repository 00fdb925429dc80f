"""The child process that decodes compressed slices, one after another: `python -m ...decoder FILE`.

For each line "columns rows" on stdin it reads FILE and writes the stored values as int32 to stdout. It ends at the
first file that it cannot decode; a damaged one may end it without a word.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import BinaryIO

import SimpleITK as sitk

_MOST_MEMORY = 2**31  # bytes beside what the program itself needs
_MOST_SECONDS = 60  # per slice, should the parent be gone


def main(path: str, questions: BinaryIO, answers: BinaryIO) -> None:
    _limit_memory()
    for line in questions:
        _limit_time(_MOST_SECONDS)
        columns, rows = map(int, line.split())
        stored = sitk.GetArrayFromImage(sitk.ReadImage(path, imageIO="GDCMImageIO"))
        if stored.shape != (1, rows, columns) or stored.dtype.kind not in "iu":
            return
        answers.write(stored.astype("<i4").tobytes())
        answers.flush()
        _limit_time(0)


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # only Linux tells and keeps the limit
        import resource

        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _MOST_MEMORY, resource.RLIM_INFINITY))


def _limit_time(seconds: int) -> None:
    with contextlib.suppress(ImportError, AttributeError):  # Windows has none
        import signal

        signal.alarm(seconds)


if __name__ == "__main__":
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a decoder prints is no answer
    main(sys.argv[1], sys.stdin.buffer, output)
