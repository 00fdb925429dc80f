"""How far two measurements of the same bone differ: each scan's own uncertainty, without what both share."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.result import Result

CHANGE_SDS = 1.96  # of a change beyond which 95 % of unchanged bones do not come; 2.77 SDs of a single measurement
REPEATS_MG_CM3 = 0.91  # SD of repeated scans of a phantom, the worst published: no patient is measured better
SAME_MODEL = 0.014  # SD of a density by the line of the same model of scanner, relative (Skornitzke 2022, Sci Rep 12)
KERNEL_MG_CM3 = 3.0  # RMSE between kernels (published)
SAME_LINE = 1e-4  # lines whose figures differ by no more than rounding are one; HU and HU per mg/cm3


@dataclass(frozen=True)
class Precision:
    """Of a change: SDs in mg/cm3 by their cause.

    Args:
        reading: of what both scans' regions read: the network's spread, noise, masks.
        calibration: of the lines, as far as they do not share their error.
        contrast: of what is left of a contrast agent.
        kernel: of kernels that differ.
        is_line_shared: both were read by one line, on scanners of one model.
    """

    reading: float
    calibration: float
    contrast: float
    kernel: float
    is_line_shared: bool

    @property
    def sd_mg_cm3(self) -> float:
        return hypot(self.reading, self.calibration, self.contrast, self.kernel)

    @property
    def least_significant_change(self) -> float:
        """mg/cm3; less is within the error of measuring."""
        return CHANGE_SDS * self.sd_mg_cm3


def precision_of(before: Result, after: Result, *, same_scanner: bool = False) -> Precision:
    """Of the change from one result to another, both with a density.

    Args:
        same_scanner: the user knows that both were made on one scanner.
    """
    shared = _is_line_shared(before, after, same_scanner)
    return Precision(
        reading=hypot(_reading(before), _reading(after)),
        calibration=_drift(before, after) if shared else hypot(_calibration(before), _calibration(after)),
        contrast=hypot(_contrast(before), _contrast(after)),
        kernel=KERNEL_MG_CM3 if before.acquisition.kernel != after.acquisition.kernel else 0.0,
        is_line_shared=shared,
    )


def is_same_line(one: Calibration, other: Calibration) -> bool:
    """Whether two results were read by one line; a line of the very scan is that scan's alone."""
    measured_before = {"given", "scanner"}  # one line comes from a file or from the registry
    is_alike = one.kind == other.kind or {one.kind, other.kind} == measured_before
    if not is_alike or one.kind in ("phantom", "internal"):
        return False
    slopes, intercepts = (one.slope_hu_per_mg_cm3, other.slope_hu_per_mg_cm3), (one.intercept_hu, other.intercept_hu)
    return abs(slopes[0] - slopes[1]) <= SAME_LINE and abs(intercepts[0] - intercepts[1]) <= SAME_LINE * 10


def _is_line_shared(before: Result, after: Result, same_scanner: bool) -> bool:
    """A computed line is off by what the scanner is: only on one scanner that is the same for both."""
    models = before.acquisition.scanner, after.acquisition.scanner
    is_one_model = same_scanner or (models[0] is not None and models[0] == models[1])
    return is_one_model and is_same_line(before.calibration, after.calibration)


def _drift(before: Result, after: Result) -> float:
    return SAME_MODEL * abs(_bmd(before) + _bmd(after)) / 2


def _reading(result: Result) -> float:
    """Where a result does not tell its parts apart: what the line and the contrast agent do not explain."""
    parts = result.uncertainty
    if parts is not None:
        return max(hypot(parts.network, parts.noise, parts.mask), REPEATS_MG_CM3)
    known = hypot(_calibration(result), _contrast(result))
    rest = max((result.bmd_sd_mg_cm3 or 0.0) ** 2 - known**2, 0.0) ** 0.5
    return max(rest, REPEATS_MG_CM3)


def _calibration(result: Result) -> float:
    return result.calibration.sd(_bmd(result)) if result.uncertainty is None else result.uncertainty.calibration


def _contrast(result: Result) -> float:
    """0 where there is no agent to correct for."""
    if result.uncertainty is not None:
        return result.uncertainty.correction
    return result.correction.sd_mg_cm3 if result.correction is not None else 0.0


def _bmd(result: Result) -> float:
    if result.bmd_mg_cm3 is None:
        raise ValueError("a result without a density cannot be compared")
    return result.bmd_mg_cm3
