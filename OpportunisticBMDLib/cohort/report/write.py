"""The tables and the page, written into the cohort's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from pyarrow import parquet

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.cohort import counts
from OpportunisticBMDLib.cohort.manifest import Manifest
from OpportunisticBMDLib.cohort.place import Place
from OpportunisticBMDLib.cohort.report import plots
from OpportunisticBMDLib.cohort.report.drift import drifts
from OpportunisticBMDLib.cohort.report.first_looks import first_looks
from OpportunisticBMDLib.cohort.report.groups import groups_by, peer_groups, with_density
from OpportunisticBMDLib.cohort.report.outliers import findings
from OpportunisticBMDLib.cohort.row import REFUSED, REVIEW
from OpportunisticBMDLib.results.json_file import SOFTWARE
from OpportunisticBMDLib.results.wording import RESEARCH_ONLY
from OpportunisticBMDLib.system.files import replacing, write_bytes
from OpportunisticBMDLib.system.pages import page_template

CSV, PARQUET, PAGE = "cohort.csv", "cohort.parquet", "report.html"
GROUPED = {  # column -> title
    "scanner": "Scanner",
    "kernel": "Kernel",
    "contrast_phase": "Contrast phase",
    "kvp": "Tube voltage (kV)",
    "line": "Calibration line",
}


def write_report(place: Place) -> list[str]:
    """Writes the tables and the page; what to tell about them, in lines.

    Raises:
        BadInput: there is no cohort, or its manifest is damaged.
    """
    total, table = place.noted("cases"), Manifest(place.manifest).table().sort_by("name")
    with replacing(place.folder / PARQUET) as path:
        parquet.write_table(table, path)
    frame = table.to_pandas()
    write_bytes(place.folder / CSV, as_csv(frame).encode())
    page = page_template("OpportunisticBMDLib.cohort.report", "report.html.j2")
    write_bytes(place.folder / PAGE, page.render(**_contents(frame, place), **_counted(frame, total)).encode())
    told = ", ".join(f"{count} {status}" for status, count in counts.by_status(frame).items())
    return [
        f"{len(frame)} of {total} CTs: {told}.",
        f"Tables in {place.folder / CSV} and {PARQUET}, the report in {place.folder / PAGE}. {RESEARCH_ONLY}",
    ]


def as_csv(frame: pd.DataFrame) -> str:
    """A line for each CT; lists are joined by spaces, and what a spreadsheet would take for a formula stays text."""
    flat = frame.map(lambda value: _in_table(value) if isinstance(value, str) else value)
    for column in ("reasons", "notes", "vertebrae_used"):
        flat[column] = flat[column].map(" ".join)
    text: str = flat.to_csv(index=False, lineterminator="\r\n")
    return text


def _contents(frame: pd.DataFrame, place: Place) -> Mapping[str, Any]:
    known = with_density(frame)
    found = findings(known)
    grouped = {title: groups_by(known, column) for column, title in GROUPED.items()} if len(known) else {}
    return {
        "age_and_sex": plots.age_and_sex_plot(known) if len(known) else "",
        "peers": peer_groups(known),
        "grouped": [(title, groups, plots.groups_plot(groups)) for title, groups in grouped.items()],
        "drift": plots.drift_plot(known),
        "drifts": drifts(known),
        "findings": found,
        "looks": first_looks(known, found, place),
        "seconds": frame["seconds"].median() if len(frame) else 0.0,
        "software": f"{SOFTWARE} {__version__}",
        "research_only": RESEARCH_ONLY,
    }


def _counted(frame: pd.DataFrame, total: int) -> Mapping[str, Any]:
    return {
        "total": total,
        "done": len(frame),
        "statuses": counts.by_status(frame),
        "refusals": counts.reasons(frame, REFUSED),
        "doubts": counts.reasons(frame, REVIEW),
        "failures": counts.failures(frame),
    }


def _in_table(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
