"""The JSON files of a dataset, and the lock under which they change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.files import open_regular, replacing

SCHEMA_VERSION = 1
LOCK_FILE = ".dataset.lock"
LONGEST_WAIT_S = 30.0
MOST_BYTES = 2**26  # of a JSON file


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes a JSON object; numbers that JSON does not know raise ValueError."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object of this project.

    Raises:
        BadInput: no such file, no JSON, or another version of the layout.
    """
    try:
        with open_regular(path) as file:
            text = file.read(MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(f"There is no {path}; give the folder of an annotated dataset.") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error}); restore it.") from error
    if len(text) > MOST_BYTES:
        raise BadInput(f"{path} is larger than {MOST_BYTES // 2**20} MB, as no such file is; restore it.")
    try:
        content = json.loads(text.decode("utf-8"), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is not valid JSON ({error}); restore or correct it.") from error
    if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
        raise BadInput(f"{path} does not state schema_version {SCHEMA_VERSION}; it is no such file, or a newer one.")
    return content


def _finite(number: str) -> float:
    if not isfinite(float(number)):
        raise ValueError(f"{number} is not a finite number")
    return float(number)


@contextmanager
def locked(directory: str | Path) -> Iterator[None]:
    """Held while dataset.json or a case.json is read and written again, so that no change is lost.

    It may be taken again by who holds it.

    Raises:
        BadInput: another program holds it for longer than any change takes.
    """
    try:
        with FileLock(Path(directory) / LOCK_FILE, timeout=LONGEST_WAIT_S, is_singleton=True):
            yield
    except Timeout as error:
        raise BadInput(f"Another program is changing {directory}; wait until it is done, or end it.") from error
