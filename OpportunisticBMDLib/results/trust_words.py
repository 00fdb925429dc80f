"""How far a density can be trusted: one line, and behind it rows with every step, figure and source.

Command line, panel, preview and report show the same of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.contrast import NOT_TOLD, Contrast, Phase
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.result import FORMER, Result
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.results import wording
from OpportunisticBMDLib.results.line_words import line_in_words

Row = tuple[str, str]  # a name, and its value with the unit
TITLES = {
    "steps": "From reading to density",
    "line": "Calibration line",
    "contrast": "Contrast agent",
    "unsure": "What makes it unsure (SD)",
    "levels": "Which vertebrae these are",
    "figures": "Findings with their limits",
}
UNIT_WORDS = {"1": "", "[hnsf'U]": "HU", "mg/cm3": "mg/cm³", "mm3": "mm³", "cm2": "cm²", "deg": "°"}  # of UCUM
WORDS = {"hu": "HU", "kvp": "kVp", "t12": "T12"}  # within a reason's code
BELIEVED_WORDS = {"pixels": "the pixels", "header": "the header"}
LEAST_SD_MG_CM3 = 0.05  # that is told


@dataclass(frozen=True)
class Detail:
    """Rows of one kind.

    Args:
        kind: a key of `TITLES`.
    """

    kind: str
    rows: tuple[Row, ...]


def trust_line(result: Result) -> str:
    """ "Portal venous contrast: 18 mg/cm³ taken off; phantom line of 12 May 2026; levels sure by ribs."

    "" where there is no density, or one on the former scale: nothing of that can be trusted.
    """
    if result.status == "refused" or result.bmd_mg_cm3 is None or result.scale == FORMER:
        return ""
    levels = wording.levels_by(result.levels) if result.levels else ""
    line = "; ".join(part for part in (contrast_clause(result), line_in_words(result.calibration), levels) if part)
    return f"{wording.capital(line)}."


def contrast_clause(result: Result) -> str:
    """ "portal venous contrast: 18 mg/cm³ taken off", "no contrast", "contrast not known"."""
    contrast, correction = known_contrast(result), result.correction
    if correction is not None:
        unlike = " (not in the header)" if contrast.is_enhanced and contrast.stated is False else ""
        if correction.is_applied:
            return f"{correction.cause}{unlike}: {changed(result)}"
        return f"{correction.cause}{unlike}: nothing taken off"
    if contrast.is_enhanced and contrast.phase is not None:
        return f"{contrast.phase.value} contrast: nothing taken off"
    if contrast.phase is Phase.NONE:
        if contrast.believed == "header":
            return "no contrast by the header"
        return "no contrast, though the header states one" if contrast.stated else "no contrast"
    return "contrast of an unknown phase: nothing taken off" if contrast.stated else "contrast not known"


def known_contrast(result: Result) -> Contrast:
    """What is known of an agent; by the header alone in results before the pixels were asked."""
    if result.contrast != NOT_TOLD:
        return result.contrast
    stated = result.acquisition.contrast_in_veins
    if stated is None:
        return NOT_TOLD
    return Contrast(None if stated else Phase.NONE, "header", stated=stated)


def changed(result: Result) -> str:
    """ "18 mg/cm³ taken off": what the correction did to the mean."""
    by = _changed_by(result)
    return f"{abs(by):.0f} mg/cm³ {'added' if by > 0 else 'taken off'}"


def details(result: Result) -> tuple[Detail, ...]:
    """All that is known of what a density rests on, without what does not apply."""
    found = {
        "steps": _steps(result),
        "line": _line(result),
        "contrast": _contrast(known_contrast(result)) if _has_density(result) else (),
        "unsure": _unsure(result),
        "levels": _levels(result),
        "figures": _figures(result),
    }
    return tuple(Detail(kind, known) for kind, rows in found.items() if (known := tuple(rows)))


def read_mg_cm3(result: Result) -> float | None:
    """What the line gives for the mean, before any correction; None where it is not known."""
    used = [result.vertebrae.get(name) for name in result.vertebrae_used]
    readings = [vertebra.read_mg_cm3 for vertebra in used if isinstance(vertebra, MeasuredVertebra)]
    return float(np.mean(readings)) if readings and len(readings) == len(used) else None


def _changed_by(result: Result) -> float:
    """mg/cm3 that the correction added to the mean, or would; below 0 where it takes off."""
    read = read_mg_cm3(result)
    if result.correction is None or read is None:
        return 0.0
    return result.correction.amount(read)


def _has_density(result: Result) -> bool:
    return result.status != "refused" and result.bmd_mg_cm3 is not None


def _steps(result: Result) -> Iterator[Row]:
    read, correction = read_mg_cm3(result), result.correction
    if not _has_density(result) or read is None:
        return
    yield "Read", f"{read:.1f} mg/cm³"
    if correction is None:
        yield "Corrected", "nothing"
    else:
        yield wording.capital(correction.cause), _correction(result)
        yield "Source", correction.source
    between = wording.interval(result)
    interval = f"; 95 % interval {between[0]:.1f} to {between[1]:.1f}" if between else ""
    yield "Shown", f"{wording.number(result.bmd_mg_cm3)} {wording.UNIT}{interval}"


def _correction(result: Result) -> str:
    """ "−17.5 ± 9.5 mg/cm³", or what is left in where nothing was taken off."""
    correction, by = result.correction, _changed_by(result)
    if correction is None:
        return ""
    if not correction.is_applied:
        side = "high" if by < 0 else "low"
        return f"nothing taken off; read about {abs(by):.1f} mg/cm³ too {side}"
    return f"{wording.signed(by)} ± {correction.sd_mg_cm3:.1f} mg/cm³"


def _line(result: Result) -> Iterator[Row]:
    line = result.calibration
    if not _has_density(result):
        return
    yield "Taken", line_in_words(line)
    slope_sd, zero_sd = _plus_minus(100 * line.slope_sd), _plus_minus(line.intercept_sd_hu)
    yield "HU per mg/cm³", f"{line.slope_hu_per_mg_cm3:.3f}{slope_sd and f'{slope_sd} %'}"
    yield "HU at 0 mg/cm³", f"{wording.signed(line.intercept_hu)}{zero_sd} HU"
    if line.moved_mg_cm3 is not None:
        yield "Drift", f"{wording.signed(line.moved_mg_cm3)} mg/cm³ at 100 mg/cm³ since the phantom's scan before"
    yield "Source", line.source


def _plus_minus(sd: float) -> str:
    """ " ± 1.8"; "" where none is known, which lines of earlier results and of users have as 0."""
    return f" ± {sd:.1f}" if sd else ""


def _contrast(contrast: Contrast) -> Iterator[Row]:
    if contrast.believed == "pixels" or contrast.seen is not None:
        seen = contrast.seen or contrast.phase
        yield "In the pixels", f"{seen.value if seen else 'none'} ({wording.percent(contrast.probability)})"
    else:
        yield "In the pixels", "cannot be told"
    stated = {True: "an agent in the veins", False: "none in the veins", None: "not stated"}
    yield "In the header", stated[contrast.stated]
    if contrast.believed in BELIEVED_WORDS:
        yield "Believed", BELIEVED_WORDS[contrast.believed]
    if contrast.organs_hu:
        yield "Organs", ", ".join(f"{organ} {hu:.0f}" for organ, hu in contrast.organs_hu.items()) + " HU"


def _unsure(result: Result) -> Iterator[Row]:
    uncertainty = result.uncertainty
    if not _has_density(result) or uncertainty is None:
        return
    for cause, sd in sorted(uncertainty.parts.items(), key=lambda part: -part[1]):
        if sd >= LEAST_SD_MG_CM3:
            yield wording.capital(wording.CAUSE_WORDS[cause]), f"{sd:.1f} mg/cm³"
    yield "Together", f"{uncertainty.sd:.1f} mg/cm³"
    if gain := wording.phantom_gain(result):
        yield "With a phantom", gain


def _levels(result: Result) -> Iterator[Row]:
    if result.levels is not None:
        yield "Names", wording.levels_sentence(result.levels, result.thresholds)


def _figures(result: Result) -> Iterator[Row]:
    for reason in wording.ordered_reasons(result):
        if reason.figure is not None:
            words = (WORDS.get(word, word) for word in reason.code.value.split("_"))
            name = wording.capital(" ".join(words))
            where = f" ({reason.vertebra})" if reason.vertebra else ""
            yield f"{name}{where}", _figure(reason)


def _figure(reason: Reason) -> str:
    """ "31 %, limit 25 %"."""
    if reason.figure is None:
        return ""
    unit = UNIT_WORDS.get(reason.code.unit or "1", reason.code.unit)
    value, limit = (f"{_rounded(number)} {unit}".rstrip() for number in (reason.figure.value, reason.figure.limit))
    return f"{value}, limit {limit}"


def _rounded(number: float) -> str:
    """Three digits, and all of those before the point."""
    text = f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"
    return text.replace("-", "−")
