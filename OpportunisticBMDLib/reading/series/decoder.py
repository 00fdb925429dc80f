"""The child process that decodes compressed slices, one after another: `python decoder.py FOLDER`.

For each line "NUMBER columns rows" on stdin it reads the file of that number in FOLDER and writes to stdout the kind of
the stored values, as numpy names it ("<i2", "|u1" ...), and the values. It ends at the first file that it cannot
decode; a damaged one may end it without a word.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import BinaryIO

import SimpleITK as sitk

_MOST_MEMORY = 2**31  # bytes beside what the program itself needs
_MOST_SECONDS = 60  # per slice, should the parent be gone


def main(folder: Path, questions: BinaryIO, answers: BinaryIO) -> None:
    _limit_memory()
    for line in questions:
        number, columns, rows = map(int, line.split())
        _limit_time(_MOST_SECONDS)
        image = sitk.ReadImage(str(folder / str(number)), imageIO="GDCMImageIO")
        _limit_time(0)  # the parent may take its time for what comes before
        stored = sitk.GetArrayViewFromImage(image)
        if stored.shape != (1, rows, columns) or stored.dtype.kind not in "iu":
            return
        kind = stored.dtype.newbyteorder("<")
        answers.write(kind.str.encode() + stored.astype(kind, copy=False).tobytes())
        answers.flush()


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
    main(Path(sys.argv[1]), sys.stdin.buffer, output)
