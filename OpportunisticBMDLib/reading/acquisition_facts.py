"""What header values tell of an acquisition, whatever holds them; never who the patient is."""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Any

import numpy as np

IDENTITY = ("PatientName", "PatientID", "PatientBirthDate", "OtherPatientNames", "OtherPatientIDs", "PatientBirthName")


def values_of(data: Any, tag: str) -> list:
    value = data.get(tag)
    if value is None or value == "":
        return []
    # A person's name is iterable too, letter by letter; several values come as a mutable sequence.
    return list(value) if isinstance(value, MutableSequence) else [value]


def text_of(data: Any, tag: str) -> str | None:
    return " ".join(str(value) for value in values_of(data, tag)).strip() or None


def number_of(data: Any, tag: str) -> float | None:
    try:
        number = float(data.get(tag))
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def identity_of(data: Any) -> tuple[str, ...]:
    """Every part of the patient's names, numbers and birth date, in lower case."""
    texts = (str(value) for tag in IDENTITY for value in values_of(data, tag))
    return tuple(part for text in texts for part in text.lower().replace("^", " ").replace("=", " ").split())


def free_text_of(data: Any, tag: str, identity: tuple[str, ...]) -> str | None:
    """A text typed at the scanner, unless it repeats who the patient is."""
    text = text_of(data, tag)
    lower = (text or "").lower()
    return None if not text or any(len(part) > 2 and part in lower for part in identity) else text


def contrast_agent_of(data: Any, identity: tuple[str, ...]) -> str | None:
    """An empty text for an explicit no; an empty element only says that the agent is unknown."""
    text = free_text_of(data, "ContrastBolusAgent", identity)
    return "" if text and text.upper() in ("NONE", "NO", "N", "NO CONTRAST", "WITHOUT", "NATIVE") else text


def scanner_of(data: Any, identity: tuple[str, ...]) -> str | None:
    parts = (free_text_of(data, tag, identity) for tag in ("Manufacturer", "ManufacturerModelName"))
    return " ".join(part for part in parts if part) or None
