"""What a cohort keeps of a CT: a row of numbers and words, and never who the patient is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.standing import OLDEST
from OpportunisticBMDLib.core.vertebra import VertebraFigures
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.results import wording
from OpportunisticBMDLib.results.json_numbers import rounded
from OpportunisticBMDLib.system.files import open_regular, write_bytes

MEASURED, REVIEW, REFUSED, FAILED = "measured", "review", "refused", "failed"
STATUSES = (MEASURED, REVIEW, REFUSED, FAILED)
ROW = "row.json"  # in the folder of a CT's results; written last of all
MOST_BYTES = 2**20
MOST_WHOLE = 2**53  # a table keeps no greater one exactly


@dataclass(frozen=True)
class Row:
    """One CT. None where it is not known, or where there is no density.

    Args:
        name: as the case has it.
        status: that of the result, or "failed" where there is none.
        bmd_mg_cm3 to bmd_high_95_mg_cm3: the density, HA, its SD, and what it lies between in 95 of 100 patients.
        t12_mg_cm3, l1_mg_cm3, l2_mg_cm3: of each vertebra that was measured.
        vertebrae_used: those of the mean.
        hu_region: mean of what was read in these, HU.
        line: the kind of the calibration line.
        reasons: codes of why there is no density, or why a person should look at it.
        notes: codes of what else is known, and changes nothing.
        age_years: whole years; 90 is 90 and more.
        contrast_phase: the one that is believed.
        month: of the scan, "2026-05".
        fingerprint: of the voxels that were read; two CTs have the same where they are the same images.
        message: the gravest reason in words, or why the CT failed.
        seconds: that it took.
        version: of the program.
    """

    name: str
    status: str
    bmd_mg_cm3: float | None = None
    bmd_sd_mg_cm3: float | None = None
    bmd_low_95_mg_cm3: float | None = None
    bmd_high_95_mg_cm3: float | None = None
    category: str | None = None
    t12_mg_cm3: float | None = None
    l1_mg_cm3: float | None = None
    l2_mg_cm3: float | None = None
    vertebrae_used: tuple[str, ...] = ()
    hu_region: float | None = None
    line: str | None = None
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    age_years: int | None = None
    sex: str | None = None
    scanner: str | None = None
    kernel: str | None = None
    kvp: float | None = None
    contrast_phase: str | None = None
    slice_thickness_mm: float | None = None
    month: str | None = None
    fingerprint: str | None = None
    message: str = ""
    seconds: float = 0.0
    version: str = __version__


KINDS = get_type_hints(Row)  # of the fields


def row_of(case: Case, result: Result, seconds: float) -> Row:
    """The row of a CT that was measured or refused."""
    known = result.acquisition
    ordered = wording.ordered_reasons(result)
    low, high = wording.interval(result) or (None, None)
    figures = {name: VertebraFigures.of(result.vertebrae.get(name)) for name in VERTEBRAE}
    used = [figures[name].hu_region for name in result.vertebrae_used]
    age = known.age_years if case.age_years is None else case.age_years
    return Row(
        name=case.name,
        status=result.status,
        bmd_mg_cm3=rounded(result.bmd_mg_cm3, 2),
        bmd_sd_mg_cm3=rounded(result.bmd_sd_mg_cm3, 2),
        bmd_low_95_mg_cm3=rounded(low, 2),
        bmd_high_95_mg_cm3=rounded(high, 2),
        category=result.category,
        t12_mg_cm3=rounded(figures["T12"].bmd_mg_cm3, 2),
        l1_mg_cm3=rounded(figures["L1"].bmd_mg_cm3, 2),
        l2_mg_cm3=rounded(figures["L2"].bmd_mg_cm3, 2),
        vertebrae_used=result.vertebrae_used,
        hu_region=rounded(sum(used) / len(used), 2) if used else None,
        line=result.calibration.kind,
        reasons=_codes(reason for reason in ordered if reason.severity != "info"),
        notes=_codes(reason for reason in ordered if reason.severity == "info"),
        age_years=None if age is None else min(int(age), OLDEST),
        sex=case.sex or known.sex,
        scanner=known.scanner,
        kernel=known.kernel,
        kvp=known.kvp,
        contrast_phase=result.contrast.phase and result.contrast.phase.value,
        slice_thickness_mm=known.slice_thickness_mm,
        month=known.scanned_on and known.scanned_on[:7],
        fingerprint=_fingerprint(result),
        message=next((reason.message for reason in ordered if reason.severity != "info"), ""),
        seconds=round(seconds, 2),
    )


def failed_row(case: Case, message: str, seconds: float = 0.0) -> Row:
    """The row of a CT that could not be measured at all."""
    age = None if case.age_years is None else min(case.age_years, OLDEST)
    return Row(case.name, FAILED, age_years=age, sex=case.sex, message=message, seconds=round(seconds, 2))


def child_row(case: Case) -> Row:
    """The row of a patient who is a child by the list: nothing is measured."""
    code = ReasonCode.CHILD
    return Row(case.name, REFUSED, reasons=(code.value,), age_years=case.age_years, sex=case.sex, message=code.meaning)


def keep(folder: Path, row: Row) -> None:
    """Writes the row into the folder of the CT's results: from then on the CT is done."""
    write_bytes(folder / ROW, json.dumps(asdict(row), indent=2, ensure_ascii=False).encode() + b"\n")


def kept_row(folder: Path) -> Row | None:
    """The row in a folder of results, which has its name; None where there is none, or none that could be."""
    try:
        with open_regular(folder / ROW) as file:
            row = row_of_entries(json.loads(file.read(MOST_BYTES)))
    except (OSError, ValueError, RecursionError):
        return None
    return row if row.name == folder.name else None


def row_of_entries(entries: Any) -> Row:
    """A row from the plain values of its fields.

    Raises:
        ValueError: a field is missing or holds something else, or there are others.
    """
    if not isinstance(entries, dict) or set(entries) != {field.name for field in fields(Row)}:
        raise ValueError("the fields are not those of a row")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in entries.items()
    }
    wrong = [name for name, value in values.items() if not _is_of(value, KINDS[name])]
    if wrong or values["status"] not in STATUSES:
        raise ValueError(f"{', '.join(wrong) or 'status'} cannot be")
    return Row(**values)


def _is_of(value: Any, kind: Any) -> bool:
    if kind == tuple[str, ...]:
        return isinstance(value, tuple) and all(isinstance(word, str) for word in value)
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) > MOST_WHOLE):
        return False
    return isinstance(value, kind) or (isinstance(value, int) and isinstance(0.0, kind))


def _codes(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """Each once, though several vertebrae may have it."""
    return tuple(dict.fromkeys(reason.code.value for reason in reasons))


def _fingerprint(result: Result) -> str | None:
    """Means and SDs of the regions that were read: to the hundredth of an HU no two patients share all of them."""
    figures = [VertebraFigures.of(vertebra) for vertebra in result.vertebrae.values()]
    seen = [(round(one.hu_region, 2), round(one.hu_region_sd, 2)) for one in figures if one.region_voxels > 0]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16] if seen else None
