"""What an archive's status means (PS3.7, annex C; PS3.4, B.2.3 and C.4; PS3.18, annex I.2)."""

from __future__ import annotations

from collections.abc import Mapping

SUCCESS = 0x0000
_PENDING = (0xFF00, 0xFF01)
_SOME_FAILED_OR_WARNED = 0xB000  # of the sub-operations of a retrieval
_WARNINGS = (0x0001, 0x0107, 0x0116, *range(0xB000, 0xC000))  # it is done, maybe with other elements (PS3.7, C.1)
_IS_THERE = 0x0111  # an object with this UID, so that there shall be no other


def is_pending(status: int) -> bool:
    """More answers follow."""
    return status in _PENDING


def is_over(status: int) -> bool:
    """A retrieval came to its end; whether all arrived has to be counted."""
    return status in (SUCCESS, _SOME_FAILED_OR_WARNED)


def is_stored(status: int) -> bool:
    """An object is there, maybe since before, or with other elements than were sent."""
    return status in (SUCCESS, _IS_THERE) or status in _WARNINGS


def in_words(status: int, meanings: Mapping[int, tuple[str, str]]) -> str:
    """The status, and what the standard says of it.

    Args:
        meanings: those of the service that was asked for, as `pynetdicom.status` lists them.
    """
    category, meaning = meanings.get(status, ("not a status of this service", ""))
    return f"status {status:04X}: {meaning or category}"
