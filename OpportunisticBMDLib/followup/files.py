"""Changes as a file: CSV for tables, JSON for programs, HTML for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.followup import wording
from OpportunisticBMDLib.followup.change import Change
from OpportunisticBMDLib.results.json_file import SOFTWARE
from OpportunisticBMDLib.results.json_numbers import rounded
from OpportunisticBMDLib.results.wording import RESEARCH_ONLY
from OpportunisticBMDLib.system.files import write_bytes
from OpportunisticBMDLib.system.pages import page_template

SCHEMA_VERSION = 1


def write_changes(path: Path, changes: Sequence[Change]) -> None:
    """Replaces the file, whole or not at all; its ending says what it holds.

    Raises:
        BadInput: another ending.
    """
    write_bytes(path, writer_of(path)(changes).encode("utf-8"))


def writer_of(path: Path) -> Callable[[Sequence[Change]], str]:
    """What makes the text of a file of this name.

    Raises:
        BadInput: it ends with none of .csv, .json and .html.
    """
    writers = {".csv": as_csv, ".json": as_json, ".html": as_html}
    if path.suffix.lower() not in writers:
        raise BadInput(f"{path} is to hold the comparison; end its name with {', '.join(writers)}.")
    return writers[path.suffix.lower()]


def as_json(changes: Sequence[Change]) -> str:
    document = {
        "schema_version": SCHEMA_VERSION,
        "software": {"name": SOFTWARE, "version": __version__},
        "changes": [_entries(change) for change in changes],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(changes: Sequence[Change]) -> str:
    """A row for each change, with the keys of the JSON; lists are joined."""
    rows = [_flat(_entries(change)) for change in changes]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_html(changes: Sequence[Change]) -> str:
    """One page that needs nothing else; every text from outside is escaped."""
    return page_template("OpportunisticBMDLib.followup", "changes.html.j2").render(
        changes=changes, words=wording, research_only=RESEARCH_ONLY, software=f"{SOFTWARE} {__version__}"
    )


def _entries(change: Change) -> dict[str, Any]:
    precision = change.precision
    return {
        "before": change.before.name,
        "after": change.after.name,
        "before_day": change.before.when,
        "after_day": change.after.when,
        "days": change.days,
        "vertebrae": list(change.vertebrae),
        "before_mg_cm3": rounded(change.before_mg_cm3, 2),
        "after_mg_cm3": rounded(change.after_mg_cm3, 2),
        "change_mg_cm3": rounded(change.by_mg_cm3, 2),
        "change_percent": rounded(change.percent, 2),
        "change_mg_cm3_a_year": rounded(change.by_mg_cm3_a_year, 2),
        "change_of_vertebrae_mg_cm3": {name: rounded(change.of_vertebra.get(name), 2) for name in VERTEBRAE},
        "least_significant_change_mg_cm3": rounded(precision.least_significant_change, 2),
        "sd_mg_cm3": {
            "reading": rounded(precision.reading, 3),
            "calibration": rounded(precision.calibration, 3),
            "contrast": rounded(precision.contrast, 3),
            "kernel": rounded(precision.kernel, 3),
        },
        "same_line": precision.is_line_shared,
        "verdict": wording.verdict(change),
        "cautions": list(change.cautions),
    }


def _flat(entries: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in entries.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}_{name}": figure for name, figure in value.items()}
        else:
            flat[key] = _in_table(" | ".join(value) if isinstance(value, list) else value)
    return flat


def _in_table(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula stays text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
