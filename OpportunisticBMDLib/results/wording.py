"""A result in words, numbers with their units: the same sentences in the preview and in the report."""

from __future__ import annotations

import math

from OpportunisticBMDLib.calibration.fit import APART_SD, UNEVEN_SD_HU
from OpportunisticBMDLib.core.ct import Acquisition, ImageKind
from OpportunisticBMDLib.core.levels import Answer, Levels, Rib, SeenVertebra
from OpportunisticBMDLib.core.materials import HA, k2hpo4_of
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.result import FORMER, Result
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.quality.levels import direction, is_sure

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
CAUSE_WORDS = {
    "network": "slices, kernel and masks",
    "noise": "noise",
    "mask": "place of the region",
    "calibration": "calibration",
    "correction": "contrast agent",
}
UNMEASURED_LINES = ("voltage", "internal")  # kinds of them
LEAST_GAIN_MG_CM3 = 1.0  # of half the interval that is worth a word
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
LAST_WITH_RIBS = "T12"


def with_sd(value: float | None, sd: float | None, digits: int = 1) -> str:
    """ "112.4 ± 5.1", the value alone where the SD is unknown, or a dash."""
    if value is None or not math.isfinite(value):
        return DASH
    if sd is None or not math.isfinite(sd):
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} ± {sd:.{digits}f}"


def number(value: float | None, digits: int = 1) -> str:
    return with_sd(value, None, digits)


def signed(value: float) -> str:
    """ "+1.2", "−3.4"; what is rounded to nothing has no sign."""
    text = f"{value:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "−")


def capital(sentence: str) -> str:
    """With a capital first letter; the others stay, as in "line for 120 kVp"."""
    return sentence[:1].upper() + sentence[1:]


def interval(result: Result) -> tuple[float, float] | None:
    """The 95 % interval of the mean BMD in mg/cm3; marrow without mineral lies below 0.

    That of an earlier result, which did not tell causes apart, is 1.96 SD to either side.
    """
    if result.status == "refused" or result.bmd_mg_cm3 is None or result.bmd_sd_mg_cm3 is None:
        return None
    if result.uncertainty is not None:
        return result.uncertainty.interval_mg_cm3
    return bounds(result.bmd_mg_cm3, result.bmd_sd_mg_cm3)


def unsure_because(result: Result) -> str:
    """ "calibration 5.2, noise 0.6 mg/cm³": the SDs by their cause, largest first; "" where they are not known."""
    if result.status == "refused" or result.uncertainty is None:
        return ""
    parts = sorted(result.uncertainty.parts.items(), key=lambda part: -part[1])
    told = [f"{CAUSE_WORDS[cause]} {sd:.1f}" for cause, sd in parts if sd >= 0.05]
    return ", ".join(told) + " mg/cm³" if told else ""


def phantom_gain(result: Result) -> str:
    """What a phantom's scan would buy, as a sentence; "" where the line is measured, or is not what makes it unsure."""
    if result.status == "refused" or result.uncertainty is None or result.calibration.kind not in UNMEASURED_LINES:
        return ""
    best = math.hypot(APART_SD * (result.bmd_mg_cm3 or 0.0), UNEVEN_SD_HU / result.calibration.slope_hu_per_mg_cm3)
    now, then = result.uncertainty.half_mg_cm3, result.uncertainty.half_on_line_mg_cm3(best)
    if now - then < LEAST_GAIN_MG_CM3:
        return ""
    line = "with a line that a phantom measured on this scanner"
    return f"Known to ±{now:.0f} mg/cm³; {line}, to about ±{then:.0f} mg/cm³."


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
    by = " (by the user)" if acquisition.kvp_by_user else ""
    voltage = "not stated" if acquisition.kvp is None else f"{acquisition.kvp:g} kVp{by}"
    return [
        ("Tube voltage", voltage if acquisition.spectrum is None else f"{voltage}, {acquisition.spectrum}"),
        ("Kernel", acquisition.kernel or "not stated"),
        ("Contrast agent", contrast(acquisition)),
        ("Voxel", " × ".join(f"{s:.3g}" for s in result.spacing_mm) + " mm"),
    ]


def contrast(acquisition: Acquisition) -> str:
    """ "Iohexol", "Gastrografin, not into a vein", "none", "not stated (but: portal venous)"."""
    agent = "not stated" if acquisition.contrast_agent is None else acquisition.contrast_agent or "none"
    if acquisition.contrast_oral_only:
        return f"{agent}, not into a vein"
    return agent if acquisition.contrast_hint is None else f"{agent} (but: {acquisition.contrast_hint})"


def image_kind(acquisition: Acquisition) -> str:
    """ "Virtual monoenergetic, 70 keV"; "" for a conventional one."""
    if acquisition.image_kind is ImageKind.CONVENTIONAL:
        return ""
    energy = "" if acquisition.energy_kev is None else f", {acquisition.energy_kev:g} keV"
    return f"{acquisition.image_kind.value.capitalize()}{energy}"


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


def levels_sentence(levels: Levels, thresholds: Thresholds | None = None) -> str:
    """How sure the names of the vertebrae are, and why.

    Args:
        thresholds: to tell where every likely answer is of one category.
    """
    if levels.moved:
        end = "feet" if levels.moved > 0 else "head"
        return f"Named by the reader, moved by {abs(levels.moved)} towards the {end}."
    if not levels.vertebrae:
        return "Not sure: no spine was made out in which vertebrae could be counted."
    if is_sure(levels):
        return f"Sure ({percent(levels.probability)}): {_evidence(levels, with_lengths=True)}."
    answers = _likely(levels)
    return "Not sure: " + "; ".join([*map(_answer, answers), *_either_way(answers, thresholds)]) + "."


def levels_short(levels: Levels) -> str:
    """The same in a line."""
    if levels.moved:
        return "Levels moved by the reader."
    if not is_sure(levels):
        return "Levels not sure: check the ribs."
    return f"Levels sure: {_evidence(levels, with_lengths=False)}."


def levels_by(levels: Levels) -> str:
    """What makes the names sure, in four words: "levels sure by ribs"; or that they are not."""
    if levels.moved:
        return "levels moved by the reader"
    if not is_sure(levels):
        return "levels not sure"
    if any(map(_sides, levels.vertebrae)):
        return "levels sure by ribs"
    return "levels sure by the sacrum" if levels.sacrum_in_view else "levels named without ribs"


def rib(seen: Rib) -> str:
    """ "present, 7.5 cm in view", "absent"."""
    length = rib_in_view_cm(seen)
    return seen.state if length is None else f"{seen.state}, {length:.1f} cm in view"


def rib_in_view_cm(seen: Rib) -> float | None:
    """How far a rib was followed, which need not be all of it; None where there is none to follow."""
    return seen.length_mm / 10 if seen.state in ("present", "remnant") and seen.length_mm > 0 else None


def _evidence(levels: Levels, *, with_lengths: bool) -> str:
    """What the names rest on."""
    joined = _with_last_ribs(levels)
    if not joined:
        named_by = "they were counted up from the sacrum" if levels.sacrum_in_view else "the names are the localizer's"
        return f"no ribs are in view, {named_by}"
    name, sides = joined[-1].name, _sides(joined[-1])
    in_view = "" if name == LAST_WITH_RIBS else " in view"
    last = f"the last ribs{in_view} join {name}"
    if len(sides) == 1:
        last = f"the last rib{in_view} joins {name}, on the {next(iter(sides))}"
    return f"{last}, {_lengths(sides)} in view" if with_lengths else last


def _with_last_ribs(levels: Levels) -> list[SeenVertebra]:
    """Those that ribs join, down to the first one below them without: what joins a lower one is no rib."""
    joined: list[SeenVertebra] = []
    for vertebra in levels.vertebrae:
        if _sides(vertebra):
            joined.append(vertebra)
        elif joined and vertebra.right.state == vertebra.left.state == "absent":
            break
    return joined


def _sides(vertebra: SeenVertebra) -> dict[str, Rib]:
    """Where a rib joins it."""
    sides = {"right": vertebra.right, "left": vertebra.left}
    return {side: seen for side, seen in sides.items() if seen.state == "present"}


def _lengths(sides: dict[str, Rib]) -> str:
    """ "right 8 cm and left 10 cm" """
    lengths = [f"{seen.length_mm / 10:.0f} cm" for seen in sides.values()]
    return lengths[0] if len(lengths) == 1 else f"right {lengths[0]} and left {lengths[1]}"


def _likely(levels: Levels) -> list[Answer]:
    """The answer taken and the likeliest other one."""
    taken = [answer for answer in levels.answers if answer.shift == 0]
    return taken + [answer for answer in levels.answers if answer.shift][:1]


def _answer(answer: Answer) -> str:
    """ "T12 to L2 as measured 71 %, 83.1 mg/cm³" """
    taken = "T12 to L2 as named" if answer.bmd_mg_cm3 is None else "T12 to L2 as measured"
    where = direction(answer.shift) if answer.shift else taken
    density = "" if answer.bmd_mg_cm3 is None else f", {answer.bmd_mg_cm3:.1f} mg/cm³"
    return f"{where} {percent(answer.probability)}{density}"


def _either_way(answers: list[Answer], thresholds: Thresholds | None) -> list[str]:
    """ "either way osteopenia", where it does not matter which answer is right."""
    known = (answer.bmd_mg_cm3 for answer in answers)
    densities = [density for density in known if density is not None and math.isfinite(density)]
    if thresholds is None or len(densities) < 2:
        return []
    categories = {thresholds.category(density) for density in densities}
    return [f"either way {categories.pop()}"] if len(categories) == 1 else []
