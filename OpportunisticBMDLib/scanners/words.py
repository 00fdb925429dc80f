"""The registry in words: tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from OpportunisticBMDLib.calibration.drift import BONE_MG_CM3, LEAST_SIGNIFICANT_MG_CM3, moved_mg_cm3, reading_on
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.scanners.measurement import Measurement, alike

UNDATED = "not known"


def listed(measurements: Sequence[Measurement]) -> list[str]:
    """Every line under its machine and technique, oldest first."""
    lines = []
    for (machine, technique), series in alike(measurements).items():
        lines.append(f"{machine}, {technique}")
        lines += [f"{one.number:6d}  {_day(one):12}{_line(one.line)}  {one.measured.phantom}" for one in series]
    return lines


def drifting(machine: str, technique: str, series: Sequence[Measurement]) -> list[str]:
    """What 100 mg/cm3 would read on the first line, scan by scan, and whether the last step counts."""
    first = series[0].line
    rows = [
        f"{one.number:6d}  {_day(one):12}{_line(one.line)}{reading_on(first, one.line):10.1f}  {one.measured.phantom}"
        for one in series
    ]
    heading = f"{'number':>6}  {'date':12}{'line, HU':38}{f'{BONE_MG_CM3:.0f} reads':>10}  phantom"
    return [f"{machine}, {technique}", heading, *rows, _verdict(series)]


def _verdict(series: Sequence[Measurement]) -> str:
    if len(series) < 2:
        return "A single scan tells no drift."
    moved = moved_mg_cm3(series[-2].line, series[-1].line)
    held, advice = ("more", ": scan the phantom again") if abs(moved) > LEAST_SIGNIFICANT_MG_CM3 else ("less", "")
    return (
        f"Moved by {moved:+.1f} mg/cm³ at {BONE_MG_CM3:.0f} since the scan before, {held} than the least significant "
        f"change of {LEAST_SIGNIFICANT_MG_CM3:.1f}{advice}."
    )


def _day(one: Measurement) -> str:
    return one.scan.scanned_on or UNDATED


def _line(line: Calibration) -> str:
    slope, water = line.slope_hu_per_mg_cm3, line.intercept_hu
    text = f"{slope:.3f} ± {100 * line.slope_sd:.1f} % × BMD {water:+.1f} ± {line.intercept_sd_hu:.1f}"
    return f"{text:38}"
