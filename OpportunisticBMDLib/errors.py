"""The two ways in which a run can end without a measurement."""

from __future__ import annotations


class BadInput(Exception):
    """The input cannot be read as a CT. The message is one sentence: what, where, what to do next."""


class Refused(Exception):
    """The CT was read, yet no trustworthy density can be measured on it.

    Args:
        code: a short, stable name of the reason, e.g. "vertebrae_not_covered".
        message: one sentence that a radiologist understands.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
