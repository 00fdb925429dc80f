"""The child process as its parent holds it: started with an environment of its own, ended with all that it started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.worker.messages import line

IS_WINDOWS = os.name == "nt"
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
                **({"creationflags": subprocess.CREATE_NO_WINDOW} if IS_WINDOWS else {"start_new_session": True}),
            )
        except OSError:
            self._errors.close()
            raise
        if not IS_WINDOWS:
            os.set_blocking(self._process.stdout.fileno(), False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def write(self, message: Mapping[str, Any]) -> None:
        """Sends a message, into the void if the child is gone: `read` finds that out."""
        data = line(message)
        with contextlib.suppress(OSError):
            while data:
                data = data[self._process.stdin.write(data) :]

    def read(self) -> tuple[list[dict[str, Any]], bool]:
        """The messages that came since the last call, and whether the child is gone. Never waits."""
        has_ended = self.has_ended  # asked first: what it wrote before is then read to the end
        chunks, is_all = [self._unread], False
        with contextlib.suppress(BlockingIOError):
            while chunk := self._chunk():
                chunks.append(chunk)
            is_all = True
        *lines, self._unread = b"".join(chunks).split(b"\n")
        return [json.loads(text) for text in lines if text.startswith(MARK)], is_all or has_ended

    def _chunk(self) -> bytes:
        """Some bytes of the child's answers; empty after the last. BlockingIOError: none yet."""
        descriptor = self._process.stdout.fileno()
        if not IS_WINDOWS:
            return os.read(descriptor, CHUNK)
        import _winapi
        import msvcrt

        try:
            waiting = _winapi.PeekNamedPipe(msvcrt.get_osfhandle(descriptor), 0)[0]
        except BrokenPipeError:
            return b""
        if not waiting:
            raise BlockingIOError
        return os.read(descriptor, min(waiting, CHUNK))

    def end(self) -> str:
        """Kills the child and all that it started, at once; returns the last line that it said on stderr."""
        if IS_WINDOWS:
            command = ["taskkill", "/F", "/T", "/PID", str(self._process.pid)]
            subprocess.run(command, capture_output=True, creationflags=subprocess.CREATE_NO_WINDOW, check=False)
            self._process.kill()
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # gone; macOS: only a zombie is left
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        with self._errors:
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip()
        return said.splitlines()[-1] if said else ""


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    paths = [str(LIBRARY), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    # Idle threads sleep: they would otherwise take the processor from the window, and from each other.
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment
