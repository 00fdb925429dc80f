"""A result as files in one folder: as the program writes it, with a CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.results import wording
from OpportunisticBMDLib.results.json_file import as_json
from OpportunisticBMDLib.system.files import write_bytes

CSV = "result.csv"
COLUMNS = (
    "volume",
    "vertebra",
    "used",
    "status",
    "category",
    "bmd_mg_cm3",
    "bmd_sd_mg_cm3",
    "bmd_low_95_mg_cm3",
    "bmd_high_95_mg_cm3",
    "hu_mean",
    "hu_sd",
    "network_bmd_mg_cm3",
    "volume_mm3",
    "segmentation_confidence",
    "reasons",
)


def write(folder: Path, name: str, ct: CT, run: Run, slices: Sequence[Path] = ()) -> list[Path]:
    """Writes everything into a folder, each file whole or not at all.

    Args:
        name: of the volume, for the CSV.
        slices: the DICOM files that the CT was loaded from; given, the result is also written as DICOM objects.

    Returns:
        The files.

    Raises:
        BadInput: the folder cannot be written, or no object can refer to the slices; then nothing is written.
    """
    from OpportunisticBMDLib.reading.series.source_slices import source_slices_of
    from OpportunisticBMDLib.results.folder import FILES, write_results

    source = source_slices_of(slices, ct) if slices else None
    write_results(folder, ct, run.segmentation, run.result, source)
    try:
        write_bytes(folder / CSV, as_csv(name, run.result).encode())
    except OSError as error:
        raise BadInput(f"{folder / CSV} cannot be written ({error.strerror}); choose another folder.") from error
    return [folder / file for file in (*FILES, CSV) if (folder / file).is_file()]


def as_csv(name: str, result: Result) -> str:
    """One row for the mean and one for each vertebra, in the columns of `COLUMNS`."""
    document = as_json(result)
    interval = wording.interval(result) or (None, None)
    rows = [
        {
            "vertebra": "mean",
            "used": " ".join(document["vertebrae_used"]),
            "status": document["status"],
            "category": document["category"],
            "bmd_mg_cm3": document["bmd_mg_cm3"],
            "bmd_sd_mg_cm3": document["bmd_sd_mg_cm3"],
            "bmd_low_95_mg_cm3": None if interval[0] is None else round(interval[0], 2),
            "bmd_high_95_mg_cm3": None if interval[1] is None else round(interval[1], 2),
            "reasons": " | ".join(reason["message"] for reason in document["reasons"] if not reason["vertebra"]),
        }
    ]
    for vertebra, figures in document["vertebrae"].items():
        mine = [reason["message"] for reason in document["reasons"] if reason["vertebra"] == vertebra]
        known = {key: figures[key] for key in COLUMNS if key in figures}
        used = "yes" if vertebra in document["vertebrae_used"] else "no"
        rows.append({"vertebra": vertebra, "used": used, **known, "reasons": " | ".join(mine)})
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({"volume": name, **row} for row in rows)
    return text.getvalue()
