"""JSON files of this project that people keep and hand on: read with one sentence for whatever is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results.json_entries import Entries
from OpportunisticBMDLib.system.files import open_regular

SCHEMA_VERSION = 1
MOST_BYTES = 2**20
Content = TypeVar("Content")


def read_document(
    path: Path, what: str, read: Callable[[Entries], Content], *, most_bytes: int = MOST_BYTES
) -> Content:
    """What a file holds.

    Args:
        what: it is, e.g. "line of a scanner".
        read: raises ValueError for what cannot be.
        most_bytes: that such a file may have.

    Raises:
        BadInput: no such file, no JSON object, another schema version, or entries that cannot be.
    """
    try:
        with open_regular(path) as file:
            text = file.read(most_bytes + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error}); name a file with the {what}.") from error
    try:
        if len(text) > most_bytes:
            raise ValueError("it is too large")
        document = Entries.of(json.loads(text.decode("utf-8")), "the document")
        if document.whole("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"its schema_version is not {SCHEMA_VERSION}")
        return read(Entries(document.values, ""))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} holds no {what} ({error}); correct it, or name another file.") from error
