"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One fault of a dataset.

    Args:
        where: a case's id, or a file of the dataset.
        code: short and stable, e.g. "swapped".
        message: one sentence: what is wrong, and what to do.
    """

    where: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"
