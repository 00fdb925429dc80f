"""Markdown tables of planted faults: what tells of each, what each check is worth, and what passes without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from OpportunisticBMDLib.core.reason import ReasonCode
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.evaluate.faulty_scan import MOST_OFF_MG_CM3, FaultyScan
from OpportunisticBMDTraining.evaluate.sources import COHORTS
from OpportunisticBMDTraining.evaluate.statistics import proportion
from OpportunisticBMDTraining.virtual.faults import FAULTS

STATUSES = ("measured", "review", "refused")
OFF = f"{MOST_OFF_MG_CM3:g} mg/cm³"


def tables(scans: Sequence[FaultyScan], names: Sequence[str]) -> str:
    """All of them.

    Args:
        names: of the faults, in the order of their rows.
    """
    clean = [scan for scan in scans if scan.is_clean]
    faulty = [scan for scan in scans if not scan.is_clean]
    silent = [scan for scan in faulty if scan.is_silently_wrong]
    return "\n\n".join(
        (
            markdown(("scans", "n", *STATUSES, "leave as measured (95 % interval)"), _statuses(clean, faulty)),
            markdown(
                ("fault", "planted", "told (95 % interval)", *STATUSES, "largest error, measured"),
                _faults(faulty, names),
            ),
            markdown(
                ("check", "planted", "found (95 % interval)", "clean: warned (95 % interval)", "clean: noted"),
                _checks(clean, faulty, names),
            ),
            f"Moved beyond {OFF} by the fault and left as measured: {len(silent)}.",
            *([_listed(silent)] if silent else []),
            f"Clean, yet not measured: {sum(scan.status != 'measured' for scan in clean)}.",
            *([_unclean(clean)] if any(scan.status != "measured" for scan in clean) else []),
        )
    )


def _statuses(clean: Sequence[FaultyScan], faulty: Sequence[FaultyScan]) -> Iterator[tuple[str, ...]]:
    groups = [("clean", clean), *((f"clean, {c}", [s for s in clean if s.cohort == c]) for c in COHORTS)]
    for name, scans in (*groups, ("with a fault", faulty)):
        counts = Counter(scan.status for scan in scans)
        share = words.share_with_interval(proportion([scan.status == "measured" for scan in scans]))
        yield name, str(len(scans)), *(str(counts[status]) for status in STATUSES), share


def _faults(faulty: Sequence[FaultyScan], names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for name in names:
        own = [scan for scan in faulty if scan.fault == name]
        told = proportion([not scan.codes.isdisjoint(FAULTS[name].told_by) for scan in own])
        counts = Counter(scan.status for scan in own)
        off = max((abs(s.error) for s in own if s.status == "measured" and s.error == s.error), default=float("nan"))
        statuses = (str(counts[status]) for status in STATUSES)
        yield name, str(len(own)), words.share_with_interval(told), *statuses, words.number(off, 1)


def _checks(
    clean: Sequence[FaultyScan], faulty: Sequence[FaultyScan], names: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """Of each reason that was planted or given: scans whose fault it is the first to tell of."""
    planted = {FAULTS[name].check for name in names}
    given = {code for scan in (*clean, *faulty) for code in scan.codes}
    for code in (code.value for code in ReasonCode if code.value in planted | given):
        own = [scan for scan in faulty if FAULTS[scan.fault].check == code]
        found = words.share_with_interval(proportion([code in scan.codes for scan in own]))
        warned = proportion([code in scan.severe for scan in clean])
        noted = proportion([code in scan.codes - scan.severe for scan in clean])
        yield code, str(len(own)), found, words.share_with_interval(warned), words.share(noted)


def _listed(scans: Sequence[FaultyScan]) -> str:
    header = ("patient", "fault", "planted", "used", "error", "error of the clean scan", "notes")
    rows = [
        (
            f"{scan.cohort} {scan.seed}",
            scan.fault,
            scan.planted,
            scan.used,
            words.number(scan.error, 1, sign=True),
            words.number(scan.error_clean, 1, sign=True),
            scan.notes or words.DASH,
        )
        for scan in scans
    ]
    return markdown(header, rows)


def _unclean(clean: Sequence[FaultyScan]) -> str:
    rows = [
        (f"{scan.cohort} {scan.seed}", scan.status, " ".join((scan.refusals, scan.warnings)).strip())
        for scan in clean
        if scan.status != "measured"
    ]
    return markdown(("patient", "status", "reasons"), rows)
