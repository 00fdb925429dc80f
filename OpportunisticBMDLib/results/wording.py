"""A result in words, numbers with their units: the same sentences in the preview and in the report."""

from __future__ import annotations

import math

from OpportunisticBMDLib.core.materials import HA, k2hpo4_of
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.result import FORMER, Result

UNIT = "mg/cm³ HA"
READ_IN = "read in the middle 9 mm"
SCALE = (
    "A QCT reading in the middle 9 mm of each body, in mg/cm³ of hydroxyapatite (HA) in water, as the European Spine "
    "Phantom; in brackets K2HPO4, as Mindways' phantoms."
)
FORMER_SCALE = (
    "On the former scale: the mineral of the whole mask, with zero at bone-free marrow. It reads about 20 mg/cm³ "
    "higher than QCT and must not be compared with new results; measure the CT again."
)
RESEARCH_ONLY = "For research, not diagnosis."
INTERVAL_SDS = 1.96
STATUS_WORDS = {
    "measured": "Measured",
    "review": "Measured, please review",
    "refused": "Not measured",
}
STATUS_EXPLANATIONS = {
    "measured": "All checks passed.",
    "review": "A density was measured, but something about this CT or its masks asks for a look before it is used.",
    "refused": "No trustworthy density can be measured on this CT, so none is given.",
}
SEVERITY_WORDS = {"refusal": "Refused", "warning": "Warning", "info": "Note"}
DASH = "–"


def with_sd(value: float | None, sd: float | None, digits: int = 1) -> str:
    """ "112.4 ± 5.1", the value alone where the SD is unknown, or a dash."""
    if value is None or not math.isfinite(value):
        return DASH
    if sd is None or not math.isfinite(sd):
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} ± {sd:.{digits}f}"


def number(value: float | None, digits: int = 1) -> str:
    return with_sd(value, None, digits)


def interval(result: Result) -> tuple[float, float] | None:
    """The 95 % interval of the mean BMD in mg/cm3 (1.96 SD to either side); marrow without mineral lies below 0."""
    if result.status == "refused" or result.bmd_mg_cm3 is None or result.bmd_sd_mg_cm3 is None:
        return None
    return bounds(result.bmd_mg_cm3, result.bmd_sd_mg_cm3)


def bounds(bmd_mg_cm3: float, bmd_sd_mg_cm3: float) -> tuple[float, float]:
    """The 95 % interval of a density in mg/cm3; NaN where one of the two is."""
    half = INTERVAL_SDS * bmd_sd_mg_cm3
    return bmd_mg_cm3 - half, bmd_mg_cm3 + half


def scale(result: Result) -> str:
    """What the number means, in a sentence or two."""
    return FORMER_SCALE if result.scale == FORMER else SCALE


def unit(result: Result) -> str:
    """ "mg/cm³ HA", and of a former result that it is one."""
    return f"{UNIT}, former scale" if result.scale == FORMER else UNIT


def k2hpo4(result: Result) -> str:
    """ "(K2HPO4 49.7)"; nothing where there is none."""
    value = result.bmd_k2hpo4_mg_cm3
    return "" if value is None else f"(K2HPO4 {value:.1f})"


def k2hpo4_of_vertebra(bmd_mg_cm3: float | None, result: Result) -> str:
    """The same of one vertebra."""
    if bmd_mg_cm3 is None or not math.isfinite(bmd_mg_cm3) or result.scale == FORMER:
        return ""
    return f"(K2HPO4 {k2hpo4_of(bmd_mg_cm3):.1f})"


def category_range(result: Result) -> str:
    """ "Osteopenia (80 to 120 mg/cm³)", with the material where the thresholds are not of HA; "" without a category."""
    if result.category is None:
        return ""
    low, high = f"{result.thresholds.osteoporosis:g}", f"{result.thresholds.osteopenia:g}"
    ranges = {
        "osteoporosis": f"below {low}",
        "osteopenia": f"{low} to {high}",
        "normal": f"above {high}",
    }
    material = "" if result.thresholds.material == HA else f" {result.thresholds.material}"
    return f"{result.category.capitalize()} ({ranges[result.category]} mg/cm³{material})"


def vertebrae_used(result: Result) -> str:
    """ "Mean of L1 and L2"."""
    names = result.vertebrae_used
    return names[0] if len(names) == 1 else "Mean of " + ", ".join(names[:-1]) + " and " + names[-1]


def acquisition_facts(result: Result) -> list[tuple[str, str]]:
    """What is known of how the CT was made, as (name, value with unit)."""
    acquisition = result.acquisition
    contrast = "not stated" if acquisition.contrast_agent is None else acquisition.contrast_agent or "none"
    return [
        ("Tube voltage", "not stated" if acquisition.kvp is None else f"{acquisition.kvp:g} kVp"),
        ("Kernel", acquisition.kernel or "not stated"),
        ("Contrast agent", contrast),
        ("Voxel", " × ".join(f"{s:.3g}" for s in result.spacing_mm) + " mm"),
    ]


def ordered_reasons(result: Result) -> list[Reason]:
    """The gravest first, else as they came."""
    return sorted(result.reasons, key=lambda reason: list(SEVERITY_WORDS).index(reason.severity))


def reason_sentence(reason: Reason) -> str:
    """The message, led by its vertebra unless the message names it already."""
    if reason.vertebra and reason.vertebra not in reason.message:
        return f"{reason.vertebra}: {reason.message}"
    return reason.message


def percent(probability: float | None) -> str:
    """ "80 %"; never a plain 0 or 100, which would claim certainty."""
    if probability is None or not math.isfinite(probability):
        return DASH
    if probability < 0.01:
        return "below 1 %"
    return "above 99 %" if probability > 0.99 else f"{100 * probability:.0f} %"
