"""Which of the lines that were measured a patient's scan is read by, and how sure it is for him."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from OpportunisticBMDLib.calibration.drift import moved_mg_cm3
from OpportunisticBMDLib.calibration.fit import APART_SD, UNEVEN_SD_HU
from OpportunisticBMDLib.calibration.lines import as_at_120_kvp
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.results.line_file import SAME_KV
from OpportunisticBMDLib.scanners.measurement import Measurement, in_order

KERNEL_SD_MG_CM3 = 3.0  # between kernels of one scanner, as published (RMSE)


def line_among(known: Sequence[Measurement], scan: Acquisition) -> Calibration | None:
    """The line of the scanner that made a CT, at its voltage: at its kernel, else at another of its kernels.

    Of several it is that of the day nearest to the CT's, or the newest where that day is not known.

    Its uncertainty has room for what the patient is not of the phantom, and for how far the scanner's lines lie apart.
    """
    fitting = in_order(one for one in known if is_of(one.scan, scan))
    if not fitting:
        return None
    same_kernel = [one for one in fitting if has_kernel(one.scan, scan)]
    series = same_kernel or [one for one in fitting if one.scan.kernel == fitting[-1].scan.kernel]
    nearest = _nearest(series, scan)
    up_to_it = series[: series.index(nearest)]
    before = [one for one in up_to_it if one.scan.scanner_id == nearest.scan.scanner_id]
    line = nearest.line
    is_latest = nearest is series[-1]  # the day of another one would tell that of the patient's scan
    kernel_sd = 0.0 if same_kernel else KERNEL_SD_MG_CM3 * line.slope_hu_per_mg_cm3
    slope_drift, intercept_drift_hu = _spread(series)
    return replace(
        as_at_120_kvp(line, nearest.scan),
        source=line.source + _notes(nearest.scan, scan, same_kernel=bool(same_kernel)),
        slope_sd=float(np.linalg.norm((line.slope_sd, slope_drift, APART_SD))),
        intercept_sd_hu=float(np.linalg.norm((line.intercept_sd_hu, intercept_drift_hu, UNEVEN_SD_HU, kernel_sd))),
        kind="scanner",
        name=line.name if is_latest else nearest.measured.phantom,
        measured_on=nearest.scan.scanned_on if is_latest else None,
        moved_mg_cm3=moved_mg_cm3(before[-1].line, line) if before else None,
    )


def _nearest(series: Sequence[Measurement], scan: Acquisition) -> Measurement:
    """Of measurements, oldest first, at least one."""
    dated = [one for one in series if one.scan.scanned_on]
    if scan.scanned_on is None or not dated:
        return series[-1]
    day = date.fromisoformat(scan.scanned_on)
    return min(reversed(dated), key=lambda one: abs(date.fromisoformat(str(one.scan.scanned_on)) - day))


def is_of(phantom: Acquisition, scan: Acquisition) -> bool:
    """Whether the scan of a phantom tells of the machine, the voltage and the kind of image of another scan."""
    return _is_same_machine(phantom, scan) and _has_same_spectrum(phantom, scan)


def has_kernel(phantom: Acquisition, scan: Acquisition) -> bool:
    return phantom.kernel is not None and phantom.kernel == scan.kernel


def _is_same_machine(phantom: Acquisition, scan: Acquisition) -> bool:
    """Where one of the two does not state which machine it is, any of the same model is taken."""
    if phantom.scanner_id and scan.scanner_id:
        return phantom.scanner_id == scan.scanner_id
    return phantom.scanner is not None and phantom.scanner == scan.scanner


def _has_same_spectrum(phantom: Acquisition, scan: Acquisition) -> bool:
    def kind(one: Acquisition) -> tuple[object, ...]:
        return one.image_kind, one.energy_kev, one.spectrum

    if kind(phantom) != kind(scan):
        return False
    if phantom.kvp is None or scan.kvp is None:
        return scan.energy_kev is not None
    return abs(phantom.kvp - scan.kvp) <= SAME_KV


def _spread(series: Sequence[Measurement]) -> tuple[float, float]:
    """SD of slopes, relative, and of intercepts (HU); 0 of a single line."""
    if len(series) < 2:
        return 0.0, 0.0
    slopes = np.array([one.line.slope_hu_per_mg_cm3 for one in series])
    intercepts = np.array([one.line.intercept_hu for one in series])
    return float(slopes.std(ddof=1) / slopes.mean()), float(intercepts.std(ddof=1))


def _notes(phantom: Acquisition, scan: Acquisition, *, same_kernel: bool) -> str:
    """What the phantom's scan has not in common with the other one."""
    is_known = phantom.scanner_id is not None and phantom.scanner_id == scan.scanner_id
    machine = " on this scanner" if is_known else " on a scanner of this model"
    if same_kernel:
        return machine
    return f"{machine}, with the kernel {phantom.kernel or 'not stated'} instead of {scan.kernel or 'one not stated'}"
