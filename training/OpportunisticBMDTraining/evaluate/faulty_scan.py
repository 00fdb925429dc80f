"""What came of one scan with a planted fault, or of a clean one: a line of a CSV file that grows as scans are done."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from math import nan
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDTraining.evaluate.csv_file import write_records

MOST_OFF_MG_CM3 = 12.0  # a true error that nobody may take for a measurement
BETWEEN = " "  # codes in a cell


@dataclass(frozen=True)
class FaultyScan:
    """One scan.

    Args:
        number: of the patient in the plan.
        seed, cohort: of the patient.
        fault: name of what was planted; "" for a clean scan.
        planted: what was done, in words.
        status: of the result.
        used: vertebrae of the mean, joined by spaces.
        bmd: that is shown, mg/cm3; NaN where none is.
        error: of it, against what QCT reads of the same healthy bone without an agent, mg/cm3.
        error_clean: of the same patient's clean scan.
        refusals, warnings, notes: codes of reasons, joined by spaces.
    """

    number: int
    seed: int
    cohort: str
    fault: str
    planted: str
    status: str
    used: str
    bmd: float
    error: float
    error_clean: float
    refusals: str
    warnings: str
    notes: str

    @property
    def is_clean(self) -> bool:
        return not self.fault

    @property
    def severe(self) -> frozenset[str]:
        """Codes that call for a look, or leave no density."""
        return frozenset((self.refusals + BETWEEN + self.warnings).split())

    @property
    def codes(self) -> frozenset[str]:
        """All of them."""
        return self.severe | frozenset(self.notes.split())

    @property
    def is_silently_wrong(self) -> bool:
        """Whether the fault moved the error too far, and the scan leaves as measured."""
        if self.is_clean or self.status != "measured" or not abs(self.error) > MOST_OFF_MG_CM3:
            return False
        was_right = not abs(self.error_clean) > MOST_OFF_MG_CM3
        return was_right or abs(self.error - self.error_clean) > MOST_OFF_MG_CM3


def faulty_scan(
    number: int, seed: int, cohort: str, fault: str, planted: str, result: Result, truth: dict[str, float]
) -> FaultyScan:
    """What a result says of a scan.

    Args:
        truth: vertebra -> what QCT reads of it, mg/cm3.
    """
    by_severity = {
        severity: BETWEEN.join(dict.fromkeys(r.code.value for r in result.reasons if r.severity == severity))
        for severity in ("refusal", "warning", "info")
    }
    known = [truth[name] for name in result.vertebrae_used if name in truth]
    is_known = bool(known) and len(known) == len(result.vertebrae_used)
    bmd = nan if result.bmd_mg_cm3 is None else result.bmd_mg_cm3
    return FaultyScan(
        number=number,
        seed=seed,
        cohort=cohort,
        fault=fault,
        planted=planted,
        status=result.status,
        used=BETWEEN.join(result.vertebrae_used),
        bmd=bmd,
        error=bmd - float(np.mean(known)) if is_known else nan,
        error_clean=nan,
        refusals=by_severity["refusal"],
        warnings=by_severity["warning"],
        notes=by_severity["info"],
    )


def beside_clean(scans: Sequence[FaultyScan]) -> list[FaultyScan]:
    """Scans of one patient, each told the error of the clean one."""
    clean = next(scan for scan in scans if scan.is_clean)
    return [replace(scan, error_clean=clean.error) for scan in scans]


def scans_in(path: Path) -> list[FaultyScan]:
    """Those of a file, without a last line that was not written to its end; none where there is no file."""
    if not path.exists():
        return []
    types = {field.name: {"int": int, "float": float}.get(str(field.type), str) for field in fields(FaultyScan)}
    with path.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if None not in line.values()]
    return [FaultyScan(**{name: kind(line[name]) for name, kind in types.items()}) for line in lines]


def begin(path: Path, scans: Iterable[FaultyScan]) -> None:
    """Writes a file anew with those that are done."""
    write_records(path, FaultyScan, scans)


def append(path: Path, scans: Iterable[FaultyScan]) -> None:
    """Adds lines, and leaves none of them in the air."""
    names = [field.name for field in fields(FaultyScan)]
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([getattr(scan, name) for name in names] for scan in scans)
