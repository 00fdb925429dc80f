"""What a result tells of its trust, as JSON: contrast, tissues, correction, uncertainty. Earlier files lack them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from OpportunisticBMDLib.core.contrast import Believed, Contrast, Phase
from OpportunisticBMDLib.core.correction import Correction
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.uncertainty import CAUSES, Uncertainty
from OpportunisticBMDLib.results.json_entries import Entries
from OpportunisticBMDLib.results.json_numbers import all_rounded, rounded


def trust_as_json(result: Result, *, measured: bool) -> dict[str, Any]:
    """The sections; of a refused result correction and uncertainty are None."""
    return {
        "contrast": _contrast(result.contrast),
        "tissues_hu": None if result.tissues_hu is None else _hu(result.tissues_hu),
        "correction": _correction(result.correction) if measured else None,
        "uncertainty_mg_cm3": _uncertainty(result.uncertainty) if measured else None,
    }


def trust_from_json(document: Entries) -> dict[str, Any]:
    """What `Result` is made of, by its names."""
    return {
        "contrast": _read_contrast(document.part("contrast")) if document.has("contrast") else Contrast(),
        "tissues_hu": _read_hu(document.part("tissues_hu")) if document.has("tissues_hu") else None,
        "correction": _read_correction(document.part("correction")) if document.has("correction") else None,
        "uncertainty": _read_uncertainty(document.part("uncertainty_mg_cm3"))
        if document.has("uncertainty_mg_cm3")
        else None,
    }


def _contrast(contrast: Contrast) -> dict[str, Any]:
    return {
        "phase": contrast.phase and contrast.phase.value,
        "believed": contrast.believed,
        "seen": contrast.seen and contrast.seen.value,
        "probability": rounded(contrast.probability, 4),
        "stated": contrast.stated,
        "organs_hu": _hu(contrast.organs_hu),
    }


def _read_contrast(entries: Entries) -> Contrast:
    phases = [phase.value for phase in Phase]
    phase, seen = (Phase(entries.word(key, phases)) if entries.has(key) else None for key in ("phase", "seen"))
    return Contrast(
        phase=phase,
        believed=entries.word("believed", get_args(Believed)),  # type: ignore[arg-type]  # one of these
        seen=seen,
        probability=entries.number("probability"),
        stated=entries.optional(entries.flag, "stated"),
        organs_hu=_read_hu(entries.part("organs_hu")),
    )


def _hu(seen: Mapping[str, float]) -> dict[str, float | None]:
    return {what: rounded(hu, 1) for what, hu in seen.items()}


def _read_hu(entries: Entries) -> dict[str, float]:
    return {what: entries.number(what) for what in entries.values}


def _correction(correction: Correction | None) -> dict[str, Any] | None:
    if correction is None:
        return None
    return {
        "cause": correction.cause,
        "scale": rounded(correction.scale, 5),
        "shift_mg_cm3": rounded(correction.shift_mg_cm3, 3),
        "sd_mg_cm3": rounded(correction.sd_mg_cm3, 3),
        "applied": correction.is_applied,
        "source": correction.source,
    }


def _read_correction(entries: Entries) -> Correction:
    scale, shift, sd = (entries.number(key) for key in ("scale", "shift_mg_cm3", "sd_mg_cm3"))
    return Correction(entries.text("cause"), scale, shift, sd, entries.flag("applied"), entries.text("source"))


def _uncertainty(uncertainty: Uncertainty | None) -> dict[str, Any] | None:
    if uncertainty is None:
        return None
    causes = {cause: rounded(getattr(uncertainty, cause), 3) for cause in CAUSES}
    return {**causes, "interval": all_rounded(uncertainty.interval_mg_cm3, 2)}


def _read_uncertainty(entries: Entries) -> Uncertainty:
    low, high = entries.numbers("interval", 2)
    return Uncertainty(**{cause: entries.number(cause) for cause in CAUSES}, interval_mg_cm3=(low, high))
