"""A scanner's own line as a JSON file: for `compute --line`, and for people who want to see what it was measured on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.calibration.phantom_line import PhantomLine, SeenInsert
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.materials import HA
from OpportunisticBMDLib.results.json_document import SCHEMA_VERSION, read_document
from OpportunisticBMDLib.results.json_entries import Entries
from OpportunisticBMDLib.results.json_file import SOFTWARE, calibration_of
from OpportunisticBMDLib.results.json_numbers import all_rounded, rounded
from OpportunisticBMDLib.system.files import write_bytes

SAME_KV = 5.0  # voltages that differ by no more are one


def write_line(path: Path, measured: PhantomLine) -> None:
    """Replaces the file, whole or not at all."""
    write_bytes(path, (json.dumps(line_as_json(measured), indent=2, allow_nan=False) + "\n").encode("utf-8"))


def read_line(path: Path, scan: Acquisition) -> Calibration:
    """The line of a file, for a CT of the voltage that it was measured at.

    Raises:
        BadInput: the file cannot be read or holds no line, or the voltage is another one.
    """
    line, kvp = read_document(path, "line of a scanner", _read)
    if kvp is not None and scan.kvp is not None and abs(kvp - scan.kvp) > SAME_KV:
        raise BadInput(
            f"The line in {path} was measured at {kvp:g} kVp, and {scan.path} was made at {scan.kvp:g} kVp: "
            "give a line of that voltage, or none."
        )
    return line


def line_as_json(measured: PhantomLine) -> dict[str, Any]:
    line, scan = measured.line, measured.scan
    return {
        "schema_version": SCHEMA_VERSION,
        "software": {"name": SOFTWARE, "version": __version__},
        "line": {
            "name": line.name,
            "material": line.material,
            "slope_hu_per_mg_cm3": rounded(line.slope_hu_per_mg_cm3, 5),
            "intercept_hu": rounded(line.intercept_hu, 3),
            "slope_sd_percent": rounded(100 * line.slope_sd, 3),
            "intercept_sd_hu": rounded(line.intercept_sd_hu, 3),
            "source": line.source,
        },
        "phantom": {"name": measured.phantom, "material": measured.material},
        "scan": {
            "path": scan.path,
            "format": scan.format,
            "date": scan.scanned_on,
            "scanner": scan.scanner,
            "kvp": rounded(scan.kvp, 1),
            "kernel": scan.kernel,
            "slice_thickness_mm": rounded(scan.slice_thickness_mm, 3),
        },
        "inserts": [_insert(insert) for insert in measured.inserts],
    }


def _insert(insert: SeenInsert) -> dict[str, Any]:
    return {
        "name": insert.name,
        "density_mg_cm3": rounded(insert.density_mg_cm3, 2),
        "hu_mean": rounded(insert.hu_mean, 2),
        "hu_sd": rounded(insert.hu_sd, 2),
        "voxels": insert.voxels,
        "residual_mg_cm3": rounded(insert.residual_mg_cm3, 2),
        "centre_ras_mm": all_rounded(insert.centre_ras_mm, 2),
    }


def _read(document: Entries) -> tuple[Calibration, float | None]:
    """The line, and the tube voltage that it was measured at."""
    entries, scan = document.part("line"), document.part("scan")
    entries.word("material", (HA,))  # of no other may it be
    line = calibration_of(entries)
    if line.slope_hu_per_mg_cm3 <= 0 or min(line.slope_sd, line.intercept_sd_hu) < 0:
        raise ValueError("its slope or an SD is below 0")
    return line, scan.optional(scan.number, "kvp")
