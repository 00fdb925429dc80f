"""`python -m OpportunisticBMDPanel.batch.process`: measures every CT of a folder, and says what it does in JSON lines.

Runs apart from Slicer, whose window is then free: the models are loaded once, a CT that cannot be read is a row that
says why, and what was finished before a stop is there.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from OpportunisticBMDLib.system.files import write_bytes

if TYPE_CHECKING:
    from OpportunisticBMDLib.pipeline import Pipeline
    from OpportunisticBMDPanel.settings.settings import Settings

ENDINGS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".zip")
NO_CT = (".seg.nrrd", ".seg.nhdr")
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


@dataclass(frozen=True)
class BatchCT:
    """A CT in a folder, and the name that its results get."""

    name: str
    path: Path


def cases_in(folder: Path) -> list[BatchCT]:
    """The image files and zips of a folder, and its folders, each of which is taken for one CT.

    A folder's own ct.nii.gz is preferred to DICOM; a folder whose files have none of the known endings, and that holds
    no folders, is one DICOM series itself.
    """
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    images = [entry for entry in entries if entry.is_file() and _is_image(entry)]
    folders = [entry for entry in entries if entry.is_dir()]
    if not images and not folders:
        return [BatchCT(folder.name, folder)] if entries else []
    found = [BatchCT(_stem(image), image) for image in images]
    for inner in folders:
        ct = inner / "ct.nii.gz"
        found.append(BatchCT(inner.name, ct if ct.is_file() else inner))
    return _named_apart(found)


def _is_image(path: Path) -> bool:
    name = path.name.lower()
    return name.endswith(ENDINGS) and not name.endswith(NO_CT)


def _stem(path: Path) -> str:
    ending = next(ending for ending in ENDINGS if path.name.lower().endswith(ending))
    return path.name[: -len(ending)]


def _named_apart(cases: list[BatchCT]) -> list[BatchCT]:
    """ct.nii.gz and ct.nrrd in one folder must not write to the same place."""
    names: dict[str, int] = {}
    apart = []
    for case in cases:
        names[case.name] = names.get(case.name, 0) + 1
        number = names[case.name]
        apart.append(case if number == 1 else replace(case, name=f"{case.name}-{number}"))
    return apart


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
    from OpportunisticBMDLib.inference.device import chosen_device
    from OpportunisticBMDLib.pipeline import Pipeline
    from OpportunisticBMDLib.scanners.registry import ScannerRegistry
    from OpportunisticBMDPanel.settings.settings import Settings

    models = entries.pop("models", None)
    settings = Settings(models=Path(models) if models else None, **entries)
    cases = cases_in(folder)
    _say("began", names=[case.name for case in cases])
    device = chosen_device(settings.device, settings.engine)
    pipeline = Pipeline.load(settings.models, device, settings.engine)
    pipeline = replace(
        pipeline,
        thresholds=settings.thresholds,
        calibration=settings.calibration,
        scanners=ScannerRegistry.of_user(),
    )
    output.mkdir(parents=True, exist_ok=True)
    rows: list[BatchRow] = []
    for number, case in enumerate(cases):
        rows.append(_measured(pipeline, settings, case, output, number))
        _write_summary(rows, output / SUMMARY)
        _say("measured", number=number, row=asdict(rows[-1]))
    _say("ended")


def _measured(pipeline: Pipeline, settings: Settings, case: BatchCT, output: Path, number: int) -> BatchRow:
    from OpportunisticBMDLib.core.errors import BadInput
    from OpportunisticBMDLib.reading import read_ct
    from OpportunisticBMDPanel.measuring import export

    def progress(stage: str, fraction: float) -> None:
        _say("progressed", number=number, stage=stage, fraction=fraction)

    progress("load", 0.0)
    try:
        ct = settings.with_voltage(read_ct(case.path))
        run = pipeline.run(ct, progress)
        export.write(output / case.name, case.name, ct, run)
    except BadInput as error:
        why = str(error).replace(f"{case.path.parent}{os.sep}", "")  # where it lies may tell the patient
        return BatchRow(case.name, "failed", None, None, None, "", why)
    result = run.result
    worst = next((r.message for s in ("refusal", "warning") for r in result.reasons if r.severity == s), "")
    return BatchRow(
        name=case.name,
        status=result.status,
        bmd_mg_cm3=None if result.bmd_mg_cm3 is None else round(result.bmd_mg_cm3, 2),
        bmd_sd_mg_cm3=None if result.bmd_sd_mg_cm3 is None else round(result.bmd_sd_mg_cm3, 2),
        category=result.category,
        vertebrae_used=" ".join(result.vertebrae_used),
        message=worst,
    )


def _write_summary(rows: list[BatchRow], path: Path) -> None:
    """Whole after every CT, so that a stop loses nothing."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(BatchRow)], restval="")
    writer.writeheader()
    writer.writerows({k: "" if v is None else v for k, v in asdict(row).items()} for row in rows)
    write_bytes(path, text.getvalue().encode())


def _say(kind: str, **entries: object) -> None:
    print(json.dumps({"kind": kind, **entries}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
