"""What will be needed soon, made ready while something else is done: Python waits long for packages, and files long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

PATIENCE_S = 3.0  # Ctrl-C in the midst of an import can leave its lock taken, for which the thread would wait for ever


@contextmanager
def meanwhile(*steps: Callable[[], object]) -> Iterator[None]:
    """Takes steps in another thread, one after the other, while the block works. None begins once the block has ended.

    They only make ready, as an import does, what the block then asks for as if nobody had: it waits for what is on its
    way, and meets by itself, in its own words, what is wrong with it.
    """
    is_over = Event()

    def work() -> None:
        for step in steps:
            if is_over.is_set():
                return
            with suppress(Exception):  # see above
                step()

    other = Thread(target=work, name="meanwhile", daemon=True)
    other.start()
    try:
        yield
    finally:
        is_over.set()
        other.join(PATIENCE_S)
