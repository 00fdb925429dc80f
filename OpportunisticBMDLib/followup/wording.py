"""A change in words, the same in the program, the panel and the page."""

from __future__ import annotations

from collections.abc import Sequence

from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.followup.change import LEAST_DAYS, Change
from OpportunisticBMDLib.followup.precision import CHANGE_SDS, Precision
from OpportunisticBMDLib.followup.scan import Scan
from OpportunisticBMDLib.results import wording

CHANGED, WITHIN_ERROR = "changed", "within measurement error"
ONE_PERSON = "Nothing in a result tells whose it is: that all are of one person is for you to know."
HEADERS = ("From", "To", "Of", "Before", "After", "Change", "a year", "Least significant", "Verdict")
UNITS = ("", "", "", "mg/cm³", "mg/cm³", "mg/cm³", "mg/cm³", "mg/cm³", "")
PUBLISHED = (
    "Published for repeated scans of a phantom: 1.5 to 2.5 mg/cm³; of patients 4.7 % (SD) in another session and 4.9 % "
    "on another scanner with a suitable line."
)


def verdict(change: Change) -> str:
    return CHANGED if change.is_significant else WITHIN_ERROR


def sentence(change: Change) -> str:
    """ "Changed by −12.3 mg/cm³ (−10.9 %, −6.2 a year), from 112.4 to 100.1 (mean of L1 and L2); this is more ..."."""
    limit = f"{change.precision.least_significant_change:.1f} mg/cm³"
    moved = f"{wording.signed(change.by_mg_cm3)} mg/cm³{_in_brackets(change)}"
    ends = f"from {change.before_mg_cm3:.1f} to {change.after_mg_cm3:.1f} (mean of {' and '.join(change.vertebrae)})"
    if change.is_significant:
        return f"Changed by {moved}, {ends}; this is more than the least significant change of {limit}."
    return (
        f"Within measurement error: {moved}, {ends}; less than {limit} cannot be told from no change. That does not "
        "mean that the bone has not changed."
    )


def row(change: Change) -> tuple[str, ...]:
    """As `HEADERS` names them."""
    rate = change.by_mg_cm3_a_year
    return (
        scan(change.before),
        scan(change.after),
        ", ".join(change.vertebrae),
        f"{change.before_mg_cm3:.1f}",
        f"{change.after_mg_cm3:.1f}",
        wording.signed(change.by_mg_cm3),
        wording.DASH if rate is None else wording.signed(rate),
        f"{change.precision.least_significant_change:.1f}",
        verdict(change),
    )


def scan(one: Scan) -> str:
    """ "2026-05-12 (old)", or its name alone."""
    return one.name if one.when is None else f"{one.when} ({one.name})"


def vertebrae(change: Change) -> str:
    """ "T12 −3.1, L1 −12.9, L2 −11.7 mg/cm³"."""
    moved = [f"{name} {wording.signed(change.of_vertebra[name])}" for name in VERTEBRAE if name in change.of_vertebra]
    return f"{', '.join(moved)} mg/cm³"


def precision(change: Change) -> str:
    """Where the least significant change comes from."""
    found = change.precision
    parts = ", ".join(f"{name} {sd:.1f}" for name, sd in causes(found))
    return (
        f"Least significant change: {found.least_significant_change:.1f} mg/cm³ = {CHANGE_SDS} × an SD of "
        f"{found.sd_mg_cm3:.1f} mg/cm³ ({parts}). {shared(found)}"
    )


def causes(found: Precision) -> Sequence[tuple[str, float]]:
    """SDs in mg/cm3 by what they are of, those that count."""
    calibration = "drift of the scanner" if found.is_line_shared else "calibration of both"
    parts = (
        ("reading and masks", found.reading),
        (calibration, found.calibration),
        ("contrast agent", found.contrast),
        ("another kernel", found.kernel),
    )
    return [part for part in parts if part[1] > 0]


def shared(found: Precision) -> str:
    if found.is_line_shared:
        return "One line on one model of scanner: the error that both share cancels."
    return "The lines or scanners are not the same: what is wrong with each does not cancel."


def _in_brackets(change: Change) -> str:
    parts = [] if change.percent is None else [f"{wording.signed(change.percent)} %"]
    rate = change.by_mg_cm3_a_year
    if rate is not None:
        parts.append(f"{wording.signed(rate)} a year")
    elif change.days:
        about = "about " if change.before.is_month or change.after.is_month else ""
        parts.append(f"within {about}{change.days} days; a rate is told from {LEAST_DAYS} days on")
    return f" ({', '.join(parts)})" if parts else ""


def table(changes: Sequence[Change]) -> str:
    """Plain text, columns side by side."""
    titles = [f"{header} {unit}".strip() for header, unit in zip(HEADERS, UNITS)]
    rows = [titles, *(list(row(change)) for change in changes)]
    widths = [max(len(cells[n]) for cells in rows) for n in range(len(titles))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip() for cells in rows)


def in_words(changes: Sequence[Change]) -> str:
    """All of it, as the program shows it."""
    lines = [table(changes)]
    for change in changes:
        lines += ["", f"{scan(change.before)} to {scan(change.after)}: {sentence(change)}"]
        lines += [f"Each vertebra: {vertebrae(change)}", precision(change)]
        lines += [f"caution: {caution}" for caution in change.cautions]
    return "\n".join([*lines, "", PUBLISHED, ONE_PERSON, wording.RESEARCH_ONLY])
