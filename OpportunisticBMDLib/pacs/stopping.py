"""Ctrl-C and the wish of the system to end, heard at once and obeyed at a point where nothing is half done."""

from __future__ import annotations

import select
import signal
import socket
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Within its block a first signal is noted, and a second one ends the program as it always would.

    Use it in the main thread.
    """

    def __init__(self) -> None:
        self.is_asked = False

    def __enter__(self) -> Stopping:
        self._heard, self._said = socket.socketpair()
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()
        self._heard.close()
        self._said.close()

    def wait(self, seconds: float) -> None:
        """Waits, but no longer than until a signal comes."""
        select.select([self._heard], [], [], max(0.0, seconds))

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.is_asked = True
        self._restore()
        self._said.send(b"\0")

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
