"""What a program says on a terminal, a pipe, a file, or where nothing listens: a long run never fails for its words."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from typing import Any, TextIO

from OpportunisticBMDLib.system.printable import printable

PLAIN = str.maketrans(
    {"²": "2", "³": "3", "±": "+-", "−": "-", "–": "-", "×": "x", "°": " deg", "…": "...", "·": "-", "“": '"', "”": '"'}
)
_failed: list[OSError] = []  # why standard output takes no more


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Instead of characters that a stream does not know: what stands for them in ASCII, else their escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    return unknown.translate(PLAIN).encode("ascii", "backslashreplace").decode("ascii"), error.end


PLAINLY = "plainly"
codecs.register_error(PLAINLY, _plainly)


def prepare_streams() -> None:
    """Opens what was closed before the program began, and lets no character fail that a terminal does not know.

    A closed stream would be the first file that the program opens, and warnings would be written into that.
    """
    _failed.clear()
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if descriptor else "r", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PLAINLY)


class Unfailing:
    """A stream to which one can write although nobody listens, e.g. standard error on a full disk."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def show(text: str) -> None:
    """Prints lines, control characters in them escaped."""
    if not _failed:
        _try_to_write(sys.stdout, text)


def complain(text: str) -> None:
    """Prints a line on standard error, if anybody listens."""
    print(printable(text), file=Unfailing(sys.stderr), flush=True)


def flush_output() -> str | None:
    """Why something shown did not arrive; None where it did, or where the reader had enough of it."""
    if not _failed:
        _try_to_write(sys.stdout, None)
    error = next((error for error in _failed if not isinstance(error, BrokenPipeError)), None)
    return None if error is None else error.strerror or str(error)


def _try_to_write(stream: TextIO, text: str | None) -> None:
    try:
        if text is not None:
            print(printable(text), file=stream)
        stream.flush()
    except OSError as error:
        _failed.append(error)
        # What is still in the buffer would fail again when Python closes the stream at its end.
        with contextlib.suppress(OSError, ValueError):
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, stream.fileno())
            os.close(devnull)
