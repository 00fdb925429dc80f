"""What two scans of a patient do not have in common, in sentences for a radiologist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from OpportunisticBMDLib.core.reason import ReasonCode
from OpportunisticBMDLib.core.result import STAGES, Result
from OpportunisticBMDLib.followup.precision import is_same_line
from OpportunisticBMDLib.followup.scan import Scan
from OpportunisticBMDLib.results import wording
from OpportunisticBMDLib.stages.summarise import LEAST

UNLIKE_SLICES = 1.5  # ratio of their thicknesses beyond which the blur of the endplates is another
UNCERTAIN_LEVELS = (ReasonCode.UNSURE_LEVELS, ReasonCode.UNUSUAL_LEVELS, ReasonCode.LEVELS_MOVED_BY_READER)


def cautions(before: Scan, after: Scan, used: Sequence[str], *, same_scanner: bool = False) -> tuple[str, ...]:
    """The gravest first.

    Args:
        used: the vertebrae of the means.
        same_scanner: the user knows that it is one.
    """
    one, other = before.result, after.result
    found = [
        *_reviews(before),
        *_reviews(after),
        *_levels(one, other),
        *_vertebrae(before, after, used),
        *_phases(one, other),
        *([] if same_scanner else _scanners(one, other)),
        *_lines(one, other),
        *_voltages(one, other),
        *_slices(one, other),
        *_kernels(one, other),
        *_models(one, other),
        *_order(before, after),
    ]
    return tuple(found)


def _reviews(scan: Scan) -> list[str]:
    warnings = [reason for reason in wording.ordered_reasons(scan.result) if reason.severity == "warning"]
    if not warnings:
        return []
    more = f" ({len(warnings)} warnings; the first)" if len(warnings) > 1 else ""
    return [f"{scan.name} asks for a look before it is used{more}: {wording.reason_sentence(warnings[0])}"]


def _levels(one: Result, other: Result) -> list[str]:
    """Names that are unsure in one scan alone can be another vertebra's there."""
    codes = [{reason.code for reason in result.reasons} & set(UNCERTAIN_LEVELS) for result in (one, other)]
    if codes[0] == codes[1]:
        return []
    return ["The names of the vertebrae rest on different evidence: check that both scans measured the same ones."]


def _vertebrae(before: Scan, after: Scan, used: Sequence[str]) -> list[str]:
    names = " and ".join(used)
    if len(used) < LEAST:
        return [f"Only {names} has a density in both scans; a single vertebra is measured less precisely than a mean."]
    differing = [scan for scan in (before, after) if scan.result.vertebrae_used != tuple(used)]
    return [
        f"The mean of {scan.name} is of {' and '.join(scan.result.vertebrae_used)}; here it is taken of {names}."
        for scan in differing
    ]


def _phases(one: Result, other: Result) -> list[str]:
    phases = [wording_of_phase(result) for result in (one, other)]
    return _differ("Contrast phases", phases, "what is left of the agent counts as uncertainty")


def wording_of_phase(result: Result) -> str:
    """ "portal venous"; by the header where the pixels were not asked."""
    phase = result.contrast.phase
    return phase.value if phase is not None else wording.contrast(result.acquisition)


def _scanners(one: Result, other: Result) -> list[str]:
    models = [result.acquisition.scanner for result in (one, other)]
    if None in models:
        return ["Which scanner a CT was made on is not known for both; two scanners read the same bone differently."]
    return _differ("Scanners", models, "each reads the same bone a little differently")


def _lines(one: Result, other: Result) -> list[str]:
    lines = [result.calibration for result in (one, other)]
    if is_same_line(*lines):
        return []
    if lines[0].name == lines[1].name:
        return [f"Each CT was read by a calibration line of its own ({lines[0].name}): their errors do not cancel."]
    return [f"Calibration lines differ ({lines[0].name}, then {lines[1].name}): their errors do not cancel."]


def _voltages(one: Result, other: Result) -> list[str]:
    voltages = [result.acquisition.kvp for result in (one, other)]
    words = ["not stated" if kvp is None else f"{kvp:g} kVp" for kvp in voltages]
    return _differ("Tube voltages", words, "a line for each brings them to 120 kVp")


def _slices(one: Result, other: Result) -> list[str]:
    apart = [max(result.spacing_mm) for result in (one, other)]
    thin, thick = sorted(apart)
    if thick < UNLIKE_SLICES * thin:
        return []
    return [f"Slices are {apart[0]:.3g} mm, then {apart[1]:.3g} mm apart: thick ones blur the endplates."]


def _kernels(one: Result, other: Result) -> list[str]:
    kernels = [result.acquisition.kernel or "not stated" for result in (one, other)]
    return _differ("Kernels", kernels, "another kernel moves a density by about 3 mg/cm³")


def _models(one: Result, other: Result) -> list[str]:
    differing = [stage for stage in STAGES if _sha(one, stage) != _sha(other, stage)]
    if not differing:
        return []
    return [
        f"The networks differ ({', '.join(differing)}): measure the older CT again with the same program, or with its "
        "masks given."
    ]


def _sha(result: Result, stage: str) -> str | None:
    model = result.models.get(stage)
    return None if model is None else model["sha256"]


def _order(before: Scan, after: Scan) -> list[str]:
    if before.is_before(after):
        return []
    so = "which is the earlier one is as they were given, and no rate is told"
    if before.day is None or after.day is None:
        return [f"The days of the CTs are not known: {so}."]
    when = min(str(before.when), str(after.when), key=len)  # of a day and its month, the month
    return [f"Both CTs are of {when}: {so}."]


def _differ(what: str, both: Sequence[Any], so: str) -> list[str]:
    return [] if both[0] == both[1] else [f"{what} differ ({both[0]}, then {both[1]}): {so}."]
