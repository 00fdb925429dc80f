"""Signals in pure Python, which join the logic to the window without Qt."""

from __future__ import annotations

from collections.abc import Callable


class Signal:
    """Calls every connected function with what is emitted, in the order in which they were connected."""

    def __init__(self) -> None:
        self._slots: list[Callable[..., object]] = []

    def connect(self, slot: Callable[..., object]) -> None:
        self._slots.append(slot)

    def disconnect(self, slot: Callable[..., object]) -> None:
        self._slots.remove(slot)

    def emit(self, *arguments: object) -> None:
        for slot in tuple(self._slots):
            slot(*arguments)
