"""`python -m OpportunisticBMDPanel.batch.process`: measures every CT of a folder, and says what it does in JSON lines.

Runs apart from Slicer, whose window is then free, and does what a process of a cohort does, without Ray: the models are
loaded once, a CT that cannot be read is a row that says why, and what was finished before a stop is not measured again.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.cohort.in_folder import cases_in
from OpportunisticBMDLib.cohort.place import Place
from OpportunisticBMDLib.cohort.row import FAILED, ROW, Row, keep, kept_row
from OpportunisticBMDLib.results.folder import RESULT
from OpportunisticBMDLib.results.json_file import result_from_text
from OpportunisticBMDLib.system.files import write_bytes
from OpportunisticBMDLib.system.progress import Progress
from OpportunisticBMDPanel.measuring import export

SUMMARY = "summary.csv"


@dataclass(frozen=True)
class BatchRow:
    """One CT in the summary; `status` is "failed" where it could not be measured at all."""

    name: str
    status: str
    bmd_mg_cm3: float | None
    bmd_sd_mg_cm3: float | None
    category: str | None
    vertebrae_used: str
    message: str

    @classmethod
    def of(cls, row: Row) -> BatchRow:
        return cls(
            row.name,
            row.status,
            row.bmd_mg_cm3,
            row.bmd_sd_mg_cm3,
            row.category,
            " ".join(row.vertebrae_used),
            row.message,
        )


def main(arguments: list[str] | None = None) -> int:
    """Measures a folder; 0 also where single CTs failed, 2 where nothing could begin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--settings", default="{}", help="JSON of the panel's settings")
    options = parser.parse_args(arguments)
    try:
        _run(options.folder, options.output, json.loads(options.settings))
    except Exception as error:
        _say("failed", message=" ".join(str(error).split()) or type(error).__name__)
        return 2
    return 0


def _run(folder: Path, output: Path, entries: dict[str, Any]) -> None:
    from OpportunisticBMDLib.cohort.measurer import Measurer, Way
    from OpportunisticBMDLib.measuring import Setup
    from OpportunisticBMDPanel.settings.settings import Settings

    models = entries.get("models")
    settings = Settings(**{**entries, "models": Path(models) if models else None})
    cases = cases_in(folder)
    _say("began", names=[case.name for case in cases])
    setup = Setup(settings.models, settings.device, settings.engine, settings.thresholds, settings.calibration)
    measurer = Measurer(Way(setup, kvp=settings.kvp))
    known = _known(cases, Place(output), {"folder": str(folder.absolute()), **entries})
    rows: list[BatchRow] = []
    for number, case in enumerate(cases):
        row = known.get(case.name)
        if row is None:
            row = measurer.measure(case, output / case.name, _teller(number))
            if row.status != FAILED:
                _write_csv(output / case.name, case.name)
                keep(output / case.name, row)
        rows.append(BatchRow.of(row))
        _write_summary(rows, output / SUMMARY)
        _say("measured", number=number, row=asdict(rows[-1]))
    _say("ended")


def _known(cases: Sequence[Case], place: Place, settings: dict[str, Any]) -> dict[str, Row]:
    """What an earlier run of this folder with these settings has finished, of CTs that have not changed since."""
    if not place.document.exists() or place.noted("settings") != settings:
        for kept in place.folder.glob(f"*/{ROW}"):
            kept.unlink()
        place.document.unlink(missing_ok=True)
    place.enter(settings, len(cases))
    rows = {case.name: kept_row(place.folder / case.name) for case in cases if _is_unchanged(case, place)}
    return {name: row for name, row in rows.items() if row is not None}


def _is_unchanged(case: Case, place: Place) -> bool:
    kept = place.folder / case.name / ROW
    return kept.exists() and isinstance(case.source, Path) and case.source.stat().st_mtime <= kept.stat().st_mtime


def _write_csv(folder: Path, name: str) -> None:
    """Beside its result.json, as Export writes it."""
    result = result_from_text((folder / RESULT).read_text(encoding="utf-8"))
    write_bytes(folder / export.CSV, export.as_csv(name, result).encode())


def _write_summary(rows: list[BatchRow], path: Path) -> None:
    """Whole after every CT, so that a stop loses nothing."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(BatchRow)], restval="")
    writer.writeheader()
    writer.writerows({k: "" if v is None else v for k, v in asdict(row).items()} for row in rows)
    write_bytes(path, text.getvalue().encode())


def _teller(number: int) -> Progress:
    return lambda stage, fraction: _say("progressed", number=number, stage=stage, fraction=fraction)


def _say(kind: str, **entries: object) -> None:
    print(json.dumps({"kind": kind, **entries}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
