"""Results in every state of trust: each way to a line, each answer about contrast, levels that are sure or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from example_levels import sure, unsure
from example_results import LINE, acquisition, former, normal, refused, review
from OpportunisticBMDLib.calibration.lines import line_for
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.contrast import Contrast, Phase
from OpportunisticBMDLib.core.correction import Correction
from OpportunisticBMDLib.core.reason import Figure, Reason
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.uncertainty import Uncertainty
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.stages.contrast.correct import correction_for

MEASURED = replace(
    LINE,
    name="Example CT One, 120 kVp, STANDARD",
    source="fitted to the inserts of the European Spine Phantom",
    slope_sd=0.018,
    intercept_sd_hu=1.9,
)
SCANNER = replace(MEASURED, kind="scanner", measured_on="2026-05-12", moved_mg_cm3=-1.2)
IN_SCAN = replace(MEASURED, kind="phantom", source="fitted to the rods of a QRM-BDC/3 below the patient")
TISSUES = replace(
    LINE,
    kind="internal",
    name="120 kVp, tissues",
    slope_sd=0.066,
    source="computed, and moved by what the patient's own fat, muscle and blood show",
)
GIVEN = replace(MEASURED, kind="given", measured_on=None, source="typed in")
NO_CONTRAST = Contrast(Phase.NONE, "pixels", Phase.NONE, 0.991, None, {"aorta": 41.3, "vena cava": 39.8})
PORTAL = Contrast(
    Phase.PORTAL_VENOUS,
    "pixels",
    Phase.PORTAL_VENOUS,
    0.987,
    True,
    {"aorta": 152.2, "vena cava": 147.9, "renal cortex": 178.4, "renal medulla": 171.0, "spleen": 118.6},
)


def on_line(line: Calibration, contrast: Contrast = NO_CONTRAST) -> Result:
    """A normal density by this line, corrected as the chain would."""
    result, correction = normal(), correction_for(contrast, 120.0)
    vertebrae = {name: corrected(each, correction) for name, each in result.vertebrae.items()}
    bmd = correction.bmd(152.3) if correction else 152.3
    parts = Uncertainty(2.1, 0.6, 0.9, line.sd(bmd), correction.sd_mg_cm3 if correction else 0.0, (0.0, 0.0))
    return replace(
        result,
        vertebrae=vertebrae,
        bmd_mg_cm3=bmd,
        bmd_sd_mg_cm3=parts.sd,
        category=result.thresholds.category(bmd),
        calibration=line,
        contrast=contrast,
        correction=correction,
        uncertainty=replace(parts, interval_mg_cm3=(bmd - 1.96 * parts.sd, bmd + 1.96 * parts.sd)),
        levels=sure(),
    )


def corrected(vertebra: MeasuredVertebra, correction: Correction | None) -> MeasuredVertebra:
    """A vertebra with what is taken off it."""
    return replace(vertebra, bmd_mg_cm3=correction.bmd(vertebra.read_mg_cm3)) if correction else vertebra


def default_line() -> Result:
    return on_line(line_for(120.0))


def registry_line() -> Result:
    return on_line(SCANNER)


def in_scan_phantom() -> Result:
    return on_line(IN_SCAN)


def tissue_line() -> Result:
    return on_line(TISSUES)


def given_line() -> Result:
    return on_line(GIVEN)


def contrast_corrected() -> Result:
    return on_line(SCANNER, PORTAL)


def contrast_named() -> Result:
    """Seen, but not for sure of which phase."""
    reason = Reason(
        "contrast_agent",
        "warning",
        "The pixels show portal venous contrast in the vessels (74 % sure): the density is too high, and nothing was "
        "taken off for it.",
    )
    return replace(
        on_line(line_for(120.0), replace(PORTAL, probability=0.74, stated=None)), status="review", reasons=(reason,)
    )


def contrast_by_header() -> Result:
    """No vessel in view; the header states an agent."""
    reason = Reason("contrast_agent", "warning", "A contrast agent was given: the density is too high.")
    return replace(on_line(line_for(120.0), Contrast(None, "header", stated=True)), status="review", reasons=(reason,))


def header_contradicted() -> Result:
    """The header denies what the vessels show."""
    return on_line(SCANNER, replace(PORTAL, stated=False))


def header_contradicted_native() -> Result:
    """The header states what the vessels lack."""
    return on_line(SCANNER, replace(NO_CONTRAST, stated=True))


def nothing_known() -> Result:
    return replace(on_line(line_for(120.0), Contrast()), acquisition=acquisition(contrast_agent=None), levels=None)


def levels_unsure() -> Result:
    levels = unsure().with_bmd(152.3)
    reason = Reason("unsure_levels", "warning", "Which vertebrae these are is not sure.", figure=Figure(71.0, 95.0))
    return replace(default_line(), levels=levels, status="review", reasons=(reason,))


def levels_moved() -> Result:
    return replace(default_line(), levels=unsure().moved_by(-1))


def long_words() -> Result:
    """All that can be long at once, and findings with figures."""
    late = Contrast(Phase.LATE, "pixels", Phase.LATE, 0.93, False, PORTAL.organs_hu)
    line = replace(
        SCANNER,
        source="fitted to the inserts of the Mindways Model 3 CT Calibration Phantom; measured on another kernel "
        "(B30f), and the scan was made 412 days later",
    )
    reasons = (
        Reason("compressed", "warning", "L2 looks compressed: its front has lost 31 %.", "L2", Figure(31.2, 25.0)),
        Reason("unusual_hu", "info", "Fat reads −131 HU.", figure=Figure(-131.4, -125.0)),
        Reason("metal_near", "warning", "Metal lies beside L1.", "L1", Figure(1240.0, 100.0)),
        Reason("vertebrae_not_found", "info", "The localizer is not sure.", figure=Figure(0.52, 0.6)),
    )
    known = acquisition(kernel="Br40d\\3 (a name that a vendor made long)", contrast_agent="")
    result = replace(on_line(line, late), levels=levels_unsure().levels, reasons=reasons, status="review")
    return replace(result, acquisition=known)


STATES: dict[str, Callable[[], Result]] = {
    make.__name__: make
    for make in (
        default_line,
        registry_line,
        in_scan_phantom,
        tissue_line,
        given_line,
        contrast_corrected,
        contrast_named,
        contrast_by_header,
        header_contradicted,
        header_contradicted_native,
        nothing_known,
        levels_unsure,
        levels_moved,
        long_words,
        review,
        refused,
        former,
    )
}
