"""The two ways in which a run can end without a measurement."""

from __future__ import annotations

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode


class BadInput(Exception):
    """The input cannot be read as a CT. The message is one sentence: what, where, what to do next."""


class Refused(Exception):
    """The CT was read, yet no trustworthy density can be measured on it.

    Args:
        code: which reason.
        message: one sentence that a radiologist understands.
        figure: what tripped it.
    """

    def __init__(self, code: ReasonCode, message: str, figure: Figure | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.figure = figure

    @property
    def reason(self) -> Reason:
        """As the result has it."""
        return Reason(self.code, "refusal", self.message, figure=self.figure)
