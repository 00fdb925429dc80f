"""Two sentences for a radiologist's own report: what was measured, and what it means. Nothing in them tells who it is.

The first is what was read and how; the second its category, by which thresholds, and what to be careful with. Where no
density can be given, they say so and why.
"""

from __future__ import annotations

from string import Formatter

from OpportunisticBMDLib.calibration.lines import COMPUTED, COMPUTED_AT_ENERGY
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.materials import HA
from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.core.result import FORMER, Result
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.results import wording
from OpportunisticBMDLib.results.trust_words import changed

PLACEHOLDERS = {
    "vertebrae": "what the density is of, such as “mean of L1 and L2”",
    "bmd": "the density",
    "unit": "its unit and scale, mg/cm³ HA",
    "k2hpo4": "the same density on the scale of K2HPO4",
    "interval": "its 95 % interval",
    "calibration": "the line that it was read from, and what was taken off for a contrast agent",
    "category": "osteoporosis, osteopenia or normal",
    "thresholds": "the thresholds of the categories",
    "meaning": "the category with its thresholds, in words that rule nothing out",
    "caution": "the first warning, led by a semicolon; nothing where there is none",
}
DEFAULT_TEMPLATE = (
    "Opportunistic bone densitometry: trabecular bone mineral density, {vertebrae}, is {bmd} {unit} ({interval}), read "
    "as QCT does on a CT that was made for another reason, {calibration}. This is {meaning}; for research, not "
    "diagnosis{caution}."
)
NO_DENSITY = "No trustworthy bone mineral density can be given from this CT: {why}. For research, not diagnosis."
FORMER_SCALE = "the result is on a former scale, about 20 mg/cm³ above that of QCT, and the CT has to be measured again"


def report_text(result: Result, template: str = DEFAULT_TEMPLATE) -> str:
    """The sentences on a result.

    Args:
        template: of a result with a density; `check_template` knows what it may hold.

    Raises:
        ValueError: the template holds something else.
    """
    check_template(template)
    if result.bmd_mg_cm3 is None or result.scale == FORMER:
        return NO_DENSITY.format(why=_why_none(result))
    return template.format(**_values(result, result.bmd_mg_cm3))


def check_template(template: str) -> None:
    """Refuses a template that cannot be filled in.

    Raises:
        ValueError: one sentence on what is wrong with it: a placeholder that does not exist, or a single brace.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError("The text for the report has a single brace; write it twice for one in the text.") from error
    for _, name, options, conversion in parts:
        if name is not None and (name not in PLACEHOLDERS or options or conversion):
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            written = name + (f"!{conversion}" if conversion else "") + (f":{options}" if options else "")
            raise ValueError(f"The text for the report cannot hold {{{written}}}; it can hold {known}.")


def _values(result: Result, bmd_mg_cm3: float) -> dict[str, str]:
    return {
        "vertebrae": _within(wording.vertebrae_used(result)),
        "bmd": wording.number(bmd_mg_cm3),
        "unit": wording.unit(result),
        "k2hpo4": wording.k2hpo4(result).strip("()"),
        "interval": _interval(result),
        "calibration": _calibration(result),
        "category": result.category or "",
        "thresholds": _thresholds(result.thresholds),
        "meaning": _meaning(result),
        "caution": _caution(result),
    }


def _interval(result: Result) -> str:
    bounds = wording.interval(result)
    if bounds is None:
        return "95 % interval not known"
    return f"95 % interval {wording.number(bounds[0])} to {wording.number(bounds[1])}"


def _calibration(result: Result) -> str:
    """The line, and what was taken off for a contrast agent. Of its name and source nothing: they may be anybody's."""
    correction = result.correction
    line = _line(result.calibration)
    if correction is None or not correction.is_applied:
        return line
    return f"{line}, {changed(result)} for {correction.cause}"


def _line(line: Calibration) -> str:
    match line.kind:
        case "phantom":
            return "calibrated by a phantom in the same scan"
        case "internal":
            return "calibrated by the patient's own tissues, without a phantom"
        case "voltage" if line.source in (COMPUTED, COMPUTED_AT_ENERGY):
            return f"calibrated by a line computed for {line.name}, without a phantom"
        case "scanner":
            return "calibrated by a line that a phantom measured on this scanner or its model"
    return "calibrated by a line that was given for this scanner"


def _thresholds(thresholds: Thresholds) -> str:
    material = "" if thresholds.material == HA else f" {thresholds.material}"
    limits = f"{thresholds.osteoporosis:g} and {thresholds.osteopenia:g} mg/cm³{material}"
    owner = "the ACR's thresholds for QCT" if thresholds == Thresholds() else "the thresholds chosen here"
    return f"{owner} ({limits})"


def _meaning(result: Result) -> str:
    by = f"by {_thresholds(result.thresholds)}"
    if result.category == "normal":
        return f"above the range of osteopenia {by}, which does not rule out low bone density"
    return f"in the range of {result.category} {by}"


def _caution(result: Result) -> str:
    """A fracture before all others, since it outranks any density; then those of the whole scan."""
    warnings = [reason for reason in result.reasons if reason.severity == "warning"]
    if not warnings:
        return ""
    first = min(warnings, key=lambda reason: (not _is_fracture(reason), reason.vertebra is not None))
    several = f" (one of {len(warnings)})" if len(warnings) > 1 else ""
    return f"; caution{several}: {_clause(first)}"


def _why_none(result: Result) -> str:
    if result.scale == FORMER:
        return FORMER_SCALE
    refusals = [reason for reason in result.reasons if reason.severity == "refusal"]
    fractures = [reason for reason in result.reasons if _is_fracture(reason)]
    why = [_clause(reason) for reason in (*refusals[:1], *fractures[:1])]
    return "; ".join(why) or "the measurement was refused"


def _is_fracture(reason: Reason) -> bool:
    return reason.code == ReasonCode.COMPRESSED and reason.severity == "warning"


def _clause(reason: Reason) -> str:
    """The first sentence of a reason, to stand within another."""
    return _within(wording.reason_sentence(reason).split(". ")[0].rstrip("."))


def _within(sentence: str) -> str:
    """With a small first letter, unless it begins with a name such as L1 or CT."""
    word = sentence.split(" ")[0]
    return sentence if word != word.capitalize() or not word.isalpha() else sentence[0].lower() + sentence[1:]
