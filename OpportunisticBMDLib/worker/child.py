"""The child process as its parent holds it: started with an environment of its own, ended with all that it started."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.system.printable import printable
from OpportunisticBMDLib.system.processes import end_tree, finding, in_own_group
from OpportunisticBMDLib.worker.messages import line

LIBRARY = Path(__file__).resolve().parents[2]  # the folder that OpportunisticBMDLib lies in
CHUNK = 1 << 16
MARK = b'{"kind":'  # what a message begins with; a launcher may print lines of its own


class Child:
    """A running worker.

    Args:
        python: the interpreter, which may be a launcher that starts another process.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, python: str) -> None:
        self._unread = b""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
        try:
            self._process = subprocess.Popen(
                [python, "-m", __package__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=_environment(),
                cwd=LIBRARY,
                bufsize=0,
                **in_own_group(),
            )
        except OSError:
            self._errors.close()
            raise
        assert self._process.stdin is not None and self._process.stdout is not None  # both are pipes
        self._questions, self._answers = self._process.stdin, self._process.stdout
        if sys.platform != "win32":
            os.set_blocking(self._answers.fileno(), False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def write(self, message: Mapping[str, Any]) -> None:
        """Sends a message. That the child is gone is no error here: `read` finds it out."""
        data = line(message)
        with contextlib.suppress(OSError):
            while data:
                data = data[self._questions.write(data) :]

    def read(self) -> tuple[list[dict[str, Any]], bool]:
        """The messages that came since the last call, and whether the child is gone. Never waits.

        Raises:
            ValueError: a message that is none.
        """
        has_ended = self.has_ended  # asked first: what it wrote before is then read to the end
        chunks, is_all = [self._unread], False
        with contextlib.suppress(BlockingIOError):
            while chunk := self._chunk():
                chunks.append(chunk)
            is_all = True
        *lines, self._unread = b"".join(chunks).split(b"\n")
        return [_message(text) for text in lines if text.startswith(MARK)], is_all or has_ended

    def _chunk(self) -> bytes:
        """Some bytes of the child's answers; empty after the last. BlockingIOError: none yet."""
        descriptor = self._answers.fileno()
        if sys.platform != "win32":
            return os.read(descriptor, CHUNK)
        import _winapi
        import msvcrt

        try:
            waiting = int(_winapi.PeekNamedPipe(msvcrt.get_osfhandle(descriptor), 0)[0])
        except BrokenPipeError:
            return b""
        if not waiting:
            raise BlockingIOError
        return os.read(descriptor, min(waiting, CHUNK))

    def end(self) -> str:
        """Kills the child and all that it started, at once; returns the last line that it said on stderr."""
        end_tree(self._process)
        self._questions.close()
        self._answers.close()
        with self._errors:
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip()
        return printable(said.splitlines()[-1]) if said else ""


def _message(text: bytes) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except RecursionError as error:
        raise ValueError("a message nested too deeply") from error
    if not isinstance(message, dict):
        raise ValueError(f"a message that is no object: {text[:40]!r}")
    return message


def _environment() -> dict[str, str]:
    environment = finding([LIBRARY])
    # Idle threads sleep: they would otherwise take the processor from the window, and from each other.
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment
