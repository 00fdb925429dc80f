"""A tube voltage that nobody states, that few use, or that does not tell the spectrum."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.calibration import MINERAL, line_for
from OpportunisticBMDLib.core.ct import Acquisition, ImageKind
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.tube_voltage import possible_voltage
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

USUAL_KV = 80.0, 140.0  # what readings of patients support


@of_scans.check(ReasonCode.KVP_UNKNOWN)
def kvp_unknown(seen: SeenScan) -> Iterator[Reason]:
    known = seen.acquisition
    if possible_voltage(known.kvp) is None and known.spectrum is None and _is_read_by_voltage(seen):
        message = (
            "The tube voltage is not known; the calibration line for 120 kVp was used. A CT made at 100 kVp would read "
            f"{100 * _too_high(100.0):.0f} % too high: state the voltage, or give the scanner's own line."
        )
        yield Reason(ReasonCode.KVP_UNKNOWN, "warning", message)


@of_scans.check(ReasonCode.KVP_UNUSUAL)
def kvp_unusual(seen: SeenScan) -> Iterator[Reason]:
    kvp = possible_voltage(seen.acquisition.kvp)
    if kvp is None or USUAL_KV[0] <= kvp <= USUAL_KV[1] or not _is_read_by_voltage(seen):
        return
    line = f"the line for {line_for(kvp).name} is computed, and no readings of patients support it"
    if not min(MINERAL) <= kvp <= max(MINERAL):
        line = f"there is no line for it, and that for {line_for(kvp).name} was used"
    figure = Figure(kvp, USUAL_KV[0] if kvp < USUAL_KV[0] else USUAL_KV[1])
    message = f"The tube voltage is {kvp:g} kV: {line}."
    yield Reason(ReasonCode.KVP_UNUSUAL, "warning", message, figure=figure)


@of_scans.check(ReasonCode.SPECTRUM_UNLIKE_KVP)
def spectrum_unlike_kvp(seen: SeenScan) -> Iterator[Reason]:
    known = seen.acquisition
    if known.spectrum is not None and _is_read_by_voltage(seen):
        used = line_for(known.kvp).name
        message = (
            f"The tube voltage does not tell the spectrum ({known.spectrum}): the calibration line for {used}, which "
            "was used, may be wrong by 20 % or more."
        )
        yield Reason(ReasonCode.SPECTRUM_UNLIKE_KVP, "warning", message)


def _too_high(kvp: float) -> float:
    """By what share a density reads too high where the line of 120 kVp is used at another voltage."""
    return line_for(kvp).slope_hu_per_mg_cm3 / line_for(None).slope_hu_per_mg_cm3 - 1


def _is_read_by_voltage(seen: SeenScan) -> bool:
    return not seen.has_own_line and not _has_line_of_its_kind(seen.acquisition)


def _has_line_of_its_kind(acquisition: Acquisition) -> bool:
    return acquisition.image_kind in (ImageKind.MONOENERGETIC, ImageKind.BLEND)
