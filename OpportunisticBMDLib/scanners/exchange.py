"""The registry as one JSON file, for another computer or another user."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.calibration.phantom_line import PhantomLine
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results.json_document import SCHEMA_VERSION, read_document
from OpportunisticBMDLib.results.json_entries import Entries
from OpportunisticBMDLib.results.json_file import SOFTWARE
from OpportunisticBMDLib.results.line_file import measured_of, parts_of
from OpportunisticBMDLib.scanners.measurement import Measurement, why_not_kept
from OpportunisticBMDLib.system.files import write_bytes

MOST_BYTES = 2**26  # some ten thousand lines


def write_lines(path: Path, measurements: Iterable[Measurement]) -> None:
    """Replaces the file, whole or not at all."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "software": {"name": SOFTWARE, "version": __version__},
        "lines": [parts_of(one.measured) for one in measurements],
    }
    write_bytes(path, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode("utf-8"))


def read_lines(path: Path) -> list[PhantomLine]:
    """The lines of such a file, or the one of a file that `calibrate` wrote.

    Raises:
        BadInput: it cannot be read, or a line is of no scanner that a patient's scan could name.
    """
    lines: list[PhantomLine] = read_document(path, "lines of scanners", _read, most_bytes=MOST_BYTES)
    for line in lines:
        why = why_not_kept(line.scan)
        if why:
            raise BadInput(f"The line {line.line.name} in {path} is of no known scanner: {why}.")
    return lines


def _read(document: Entries) -> list[PhantomLine]:
    return [measured_of(parts) for parts in (document.parts("lines") if document.has("lines") else [document])]
