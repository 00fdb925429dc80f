"""How well the line of a scanner is measured: virtual scans of a phantom by scanners that are off, in any pose."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.calibration.phantom_line import line_of_phantom
from OpportunisticBMDLib.calibration.phantoms import PHANTOMS
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.processes import each
from OpportunisticBMDTraining.virtual.phantom import DENSITIES, draw_phantom_scan, phantom_ct

HEADER = (
    "scans", "inserts found", "slope, mean ± SD (%)", "slope, worst (%)", "density, mean ± SD (mg/cm³)",
    "density, worst (mg/cm³)", "density, worst (%)", "within what the line says",
)  # fmt: skip
INTERVAL_SDS = 1.96  # of a line's uncertainty that hold 95 %


@dataclass(frozen=True)
class CalibrationOfScan:
    """What came of one scan.

    Args:
        scanner: its slope and offset.
        found: whether all inserts were found; without them the rest is empty.
        slope_percent: error of the slope.
        errors_mg_cm3: of the densities that the line gives to 50, 100 and 200 mg HA/cm3.
        within: whether all three errors lie within the 95 % that the line's own uncertainty gives.
    """

    seed: int
    scanner: str
    kvp: float
    pose: str
    found: bool
    slope_percent: float = np.nan
    errors_mg_cm3: tuple[float, ...] = ()
    within: bool = False


def measure(seed: int) -> CalibrationOfScan:
    """One scan of the European Spine Phantom."""
    phantom = draw_phantom_scan(seed)
    scan, true = phantom.scan, phantom.line
    scanner = f"scanner {scan.slope:.2f}, {scan.offset:+.0f} HU"
    try:
        line = line_of_phantom(phantom_ct(phantom), PHANTOMS["esp"]).line
    except BadInput:
        return CalibrationOfScan(seed, scanner, scan.kvp, phantom.pose, found=False)
    errors = tuple(float(line.bmd(true.hu(density)) - density) for density in DENSITIES)
    within = all(abs(error) <= INTERVAL_SDS * line.sd(density) for error, density in zip(errors, DENSITIES))
    slope = 100 * (line.slope_hu_per_mg_cm3 / true.slope_hu_per_mg_cm3 - 1)
    return CalibrationOfScan(seed, scanner, scan.kvp, phantom.pose, True, slope, errors, within)


def table(found: Sequence[CalibrationOfScan]) -> str:
    """Markdown: all scans, then those of each scanner, voltage and pose."""
    groups: dict[str, list[CalibrationOfScan]] = {"all": list(found)}
    traits: tuple[Callable[[CalibrationOfScan], str], ...] = (
        lambda scan: scan.scanner,
        lambda scan: f"{scan.kvp:.0f} kVp",
        lambda scan: scan.pose,
    )
    for trait in traits:
        for scan in found:
            groups.setdefault(trait(scan), []).append(scan)
    return markdown(HEADER, [_row(name, scans) for name, scans in groups.items()])


def _row(name: str, scans: Sequence[CalibrationOfScan]) -> tuple[str, ...]:
    right = [scan for scan in scans if scan.found]
    counted = f"{len(right)} of {len(scans)}"
    if not right:
        return (name, counted, *[words.DASH] * (len(HEADER) - 2))
    slopes = np.array([scan.slope_percent for scan in right])
    errors = np.array([scan.errors_mg_cm3 for scan in right])
    return (
        name,
        counted,
        _spread(slopes),
        words.number(float(np.abs(slopes).max()), 2),
        _spread(errors),
        words.number(float(np.abs(errors).max()), 2),
        words.number(float(np.abs(100 * errors / DENSITIES).max()), 2),
        f"{sum(scan.within for scan in right)} of {len(right)}",
    )


def _spread(values: np.ndarray) -> str:
    return f"{words.number(float(values.mean()), 2, sign=True)} ± {words.number(float(values.std()), 2)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab calibrations", description=__doc__)
    parser.add_argument("-n", type=int, default=60, help="number of scans; 60 hold each scanner, voltage and pose once")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once; each needs about 1 GB")
    options = parser.parse_args(arguments)

    def work() -> None:
        seeds = [(seed,) for seed in range(options.seed, options.seed + options.n)]
        found = each(measure, seeds, jobs=options.jobs, title="scans", unit="scan")
        print(table(found))

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
