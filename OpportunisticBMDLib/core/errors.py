"""The two ways in which a run can end without a measurement."""

from __future__ import annotations

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.system.printable import printable

MOST_SHOWN = 1000  # characters of a message; it may quote what a file holds


class BadInput(Exception):
    """The input cannot be read as a CT. The message is one sentence: what, where, what to do next."""

    def __init__(self, message: str) -> None:
        super().__init__(_shortened(printable(message)))


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


def _shortened(message: str) -> str:
    """Without its middle where it is too long: what is wrong stands at the beginning, what to do at the end."""
    half = MOST_SHOWN // 2
    return message if len(message) <= MOST_SHOWN else f"{message[:half]} ... {message[-half:]}"
