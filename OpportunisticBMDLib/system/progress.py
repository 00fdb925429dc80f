"""How a long piece of work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]  # the stage ("localize", "name", "segment", "measure") and the done share, 0..1


def silent(stage: str, fraction: float) -> None:
    """A `Progress` for who does not want to know."""
