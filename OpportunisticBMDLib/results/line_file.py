"""A scanner's own line as a JSON file: for `compute --line`, and for people who want to see what it was measured on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.calibration.fit import APART_SD, UNEVEN_SD_HU
from OpportunisticBMDLib.calibration.lines import as_at_120_kvp
from OpportunisticBMDLib.calibration.phantom_line import PhantomLine, SeenInsert
from OpportunisticBMDLib.core.calibration_line import INTERCEPT_RANGE_HU, SLOPE_RANGE_HU_PER_MG_CM3, Calibration
from OpportunisticBMDLib.core.ct import Acquisition, ImageKind
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.materials import HA
from OpportunisticBMDLib.results.json_document import SCHEMA_VERSION, read_document
from OpportunisticBMDLib.results.json_entries import Entries
from OpportunisticBMDLib.results.json_file import SOFTWARE, calibration_of
from OpportunisticBMDLib.results.json_numbers import all_rounded, rounded
from OpportunisticBMDLib.system.files import write_bytes

SAME_KV = 5.0  # voltages that differ by no more are one
PHANTOM = "phantom"  # whatever was read: where it lay is not kept
KINDS = tuple(kind.value for kind in ImageKind)


def write_line(path: Path, measured: PhantomLine) -> None:
    """Replaces the file, whole or not at all."""
    write_bytes(path, (json.dumps(line_as_json(measured), indent=2, allow_nan=False) + "\n").encode("utf-8"))


def read_line(path: Path, scan: Acquisition) -> Calibration:
    """The line of a file, for a CT of the voltage that it was measured at, as patients are read by it.

    It is as unsure as a phantom that was scanned apart from the patient leaves it.

    Raises:
        BadInput: the file cannot be read or holds no line, or the voltage is another one.
    """
    line, phantom = read_document(path, "line of a scanner", _read)
    if phantom.kvp is not None and scan.kvp is not None and abs(phantom.kvp - scan.kvp) > SAME_KV:
        raise BadInput(
            f"The line in {path} was measured at {phantom.kvp:g} kVp, and {scan.path} was made at {scan.kvp:g} kVp: "
            "give a line of that voltage, or none."
        )
    line = replace(
        line,
        slope_sd=float(np.hypot(line.slope_sd, APART_SD)),
        intercept_sd_hu=float(np.hypot(line.intercept_sd_hu, UNEVEN_SD_HU)),
    )
    return as_at_120_kvp(line, phantom)


def line_as_json(measured: PhantomLine) -> dict[str, Any]:
    parts = parts_of(measured)
    scan = {"path": measured.scan.path, "format": measured.scan.format, **parts.pop("scan")}
    software = {"name": SOFTWARE, "version": __version__}
    return {"schema_version": SCHEMA_VERSION, "software": software, **parts, "scan": scan}


def parts_of(measured: PhantomLine) -> dict[str, Any]:
    """All that is kept of a measurement; not where its scan was read from."""
    line, scan = measured.line, measured.scan
    return {
        "key": measured.key,
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
            "date": scan.scanned_on,
            "scanner": scan.scanner,
            "scanner_id": scan.scanner_id,
            "kvp": rounded(scan.kvp, 1),
            "kernel": scan.kernel,
            "slice_thickness_mm": rounded(scan.slice_thickness_mm, 3),
            "image_kind": scan.image_kind.value,
            "energy_kev": rounded(scan.energy_kev, 1),
            "spectrum": scan.spectrum,
        },
        "inserts": [_insert(insert) for insert in measured.inserts],
    }


def measured_of(parts: Entries) -> PhantomLine:
    """The inverse of `parts_of`, also of a file of an earlier version.

    Raises:
        ValueError: an entry is missing or cannot be.
    """
    scan = _scan(parts.part("scan"))
    phantom = parts.part("phantom")
    return PhantomLine(
        line=replace(_line(parts.part("line")), kind="scanner", measured_on=scan.scanned_on),
        phantom=phantom.text("name"),
        material=phantom.text("material"),
        inserts=tuple(_read_insert(insert) for insert in parts.parts("inserts")),
        scan=scan,
        key=parts.text("key") if parts.has("key") else "",
    )


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


def _read_insert(insert: Entries) -> SeenInsert:
    right, front, up = insert.numbers("centre_ras_mm", 3)
    return SeenInsert(
        name=insert.text("name"),
        density_mg_cm3=insert.number("density_mg_cm3"),
        hu_mean=insert.number("hu_mean"),
        hu_sd=insert.number("hu_sd"),
        voxels=insert.whole("voxels"),
        residual_mg_cm3=insert.number("residual_mg_cm3"),
        centre_ras_mm=(right, front, up),
    )


def _scan(scan: Entries) -> Acquisition:
    def text(key: str) -> str | None:
        return scan.text(key) if scan.has(key) else None

    def number(key: str) -> float | None:
        return scan.number(key) if scan.has(key) else None

    kind = scan.word("image_kind", KINDS) if scan.has("image_kind") else ImageKind.CONVENTIONAL
    return Acquisition(
        path=PHANTOM,
        format=PHANTOM,
        kvp=number("kvp"),
        kernel=text("kernel"),
        scanner=text("scanner"),
        slice_thickness_mm=number("slice_thickness_mm"),
        image_kind=ImageKind(kind),
        energy_kev=number("energy_kev"),
        spectrum=text("spectrum"),
        scanned_on=_day(text("date")),
        scanner_id=text("scanner_id"),
    )


def _day(text: str | None) -> str | None:
    return None if text is None else date.fromisoformat(text).isoformat()


def _line(entries: Entries) -> Calibration:
    entries.word("material", (HA,))  # of no other may it be
    line = calibration_of(entries)
    slopes, intercepts = SLOPE_RANGE_HU_PER_MG_CM3, INTERCEPT_RANGE_HU
    if not (slopes[0] <= line.slope_hu_per_mg_cm3 <= slopes[1] and intercepts[0] <= line.intercept_hu <= intercepts[1]):
        raise ValueError(
            f"its slope lies beyond {slopes[0]:g} to {slopes[1]:g} HU per mg/cm³, or its intercept beyond "
            f"{intercepts[1]:g} HU: no CT shows bone so"
        )
    if min(line.slope_sd, line.intercept_sd_hu) < 0:
        raise ValueError("an SD is below 0")
    return line


def _read(document: Entries) -> tuple[Calibration, Acquisition]:
    """The line, and how the phantom was scanned."""
    scan = _scan(document.part("scan"))
    return replace(_line(document.part("line")), kind="given", measured_on=scan.scanned_on), scan
