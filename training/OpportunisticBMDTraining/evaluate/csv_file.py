"""Rows of an evaluation as a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.system.files import replacing


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Replaces the file, whole or not at all."""
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def write_records(path: Path, kind: type[Any], records: Iterable[Any]) -> None:
    """A line for each record of a dataclass, a column for each of its fields."""
    write_rows(path, [field.name for field in fields(kind)], map(asdict, records))
