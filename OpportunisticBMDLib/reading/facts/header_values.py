"""Single values of a header, whatever holds it: a pydicom dataset, or keywords with texts as 3D Slicer keeps them."""

from __future__ import annotations

import math
from collections.abc import MutableSequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any


def values_of(data: Any, tag: str) -> list:
    """All values of a tag; none where it is missing or empty."""
    value = data.get(tag)
    if value is None or value == "":
        return []
    if isinstance(value, str):  # several values in one text are parted as in the file
        return [part for part in value.split("\\") if part.strip()]
    # A person's name is iterable too, letter by letter; several values come as a mutable sequence.
    return list(value) if isinstance(value, MutableSequence) else [value]


def text_of(data: Any, tag: str) -> str | None:
    """The values in one line; None where there are none."""
    return " ".join(str(value) for value in values_of(data, tag)).strip() or None


def numbers_of(data: Any, tag: str) -> list[float]:
    """The finite numbers among the values of a tag."""
    return [number for value in values_of(data, tag) if (number := _number(value)) is not None]


def number_of(data: Any, tag: str) -> float | None:
    """The number that a tag holds; None where it holds none, or several that differ."""
    numbers = set(numbers_of(data, tag))
    return numbers.pop() if len(numbers) == 1 else None


def date_of(data: Any, tag: str) -> str | None:
    """A DICOM date as "2026-05-12"; None where the tag holds none."""
    day = day_of(data, tag)
    return None if day is None else day.isoformat()


def day_of(data: Any, tag: str) -> date | None:
    """A DICOM date; None where the tag holds none."""
    with suppress(ValueError):
        return datetime.strptime(text_of(data, tag) or "", "%Y%m%d").date()
    return None


def _number(value: Any) -> float | None:
    try:
        number = float(str(value).strip().replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
