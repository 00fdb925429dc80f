"""result.json, version 2: the whole result for other programs. Its schema is Resources/result.schema.json."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.calibration.lines import COMPUTED, COMPUTED_AT_ENERGY
from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.calibration_line import Calibration, LineKind
from OpportunisticBMDLib.core.ct import Acquisition, ImageKind
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import triple
from OpportunisticBMDLib.core.materials import HA, MATERIALS
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode, Severity
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.result import FORMER, QCT_READING, STAGES, Result, Status
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.vertebra import (
    FormerVertebra,
    MaskFigures,
    MeasuredVertebra,
    RegionFigures,
    UnmeasuredVertebra,
    Vertebra,
    VertebraFigures,
    middle_of,
)
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.results.json_entries import Entries
from OpportunisticBMDLib.results.json_levels import levels_as_json, levels_from_json
from OpportunisticBMDLib.results.json_numbers import all_rounded, rounded
from OpportunisticBMDLib.results.json_standing import standing_as_json, standing_from_json
from OpportunisticBMDLib.results.json_trust import trust_as_json, trust_from_json

SCHEMA_VERSION = 2
FORMER_VERSION = 1  # of results on the former scale: without the region, and what it reads
ZERO = "water at 120 kVp"  # what the lines read as 0 mg/cm3
HALF_AXES = ("right", "front", "up")
SOFTWARE = "OpportunisticBMD"
CATEGORIES = ("osteoporosis", "osteopenia", "normal")
COMPUTING = ("engine", "precision")  # of a model's network
TIMINGS = ("load", "localize", "name", "segment", "measure", "write", "total")


def as_json(result: Result) -> dict[str, Any]:
    """The result as plain numbers, strings, lists and dicts in the schema's order of keys.

    Numbers are rounded to what can be told apart (BMD and HU 0.01, mm 0.01, probabilities 0.0001, spacing 1 um);
    what is missing or not finite is None. A refused result never carries a BMD or a category.
    """
    measured = result.status != "refused"
    return {
        "schema_version": SCHEMA_VERSION,
        "software": {"name": SOFTWARE, "version": __version__},
        "models": {stage: _model(result.models.get(stage)) for stage in STAGES},
        "input": _input(result),
        "scale": result.scale,
        "status": result.status,
        "reasons": [_reason(reason) for reason in result.reasons],
        "bmd_mg_cm3": rounded(result.bmd_mg_cm3, 2) if measured else None,
        "bmd_sd_mg_cm3": rounded(result.bmd_sd_mg_cm3, 2) if measured else None,
        "bmd_k2hpo4_mg_cm3": rounded(result.bmd_k2hpo4_mg_cm3, 2) if measured else None,
        "vertebrae_used": list(result.vertebrae_used) if measured else [],
        "category": result.category if measured else None,
        "thresholds_mg_cm3": {
            "osteoporosis": rounded(result.thresholds.osteoporosis, 2),
            "osteopenia": rounded(result.thresholds.osteopenia, 2),
            "material": result.thresholds.material,
        },
        "probability": {
            name: rounded(result.probability.get(name), 4) if measured else None
            for name in ("osteoporosis", "abnormal")
        },
        "calibration": {
            "name": result.calibration.name,
            "material": result.calibration.material,
            "slope_hu_per_mg_cm3": rounded(result.calibration.slope_hu_per_mg_cm3, 5),
            "intercept_hu": rounded(result.calibration.intercept_hu, 3),
            "zero": ZERO,
            "source": result.calibration.source,
            "slope_sd_percent": rounded(100 * result.calibration.slope_sd, 3),
            "intercept_sd_hu": rounded(result.calibration.intercept_sd_hu, 3),
            "kind": result.calibration.kind,
            "measured_on": result.calibration.measured_on,
            "moved_mg_cm3": rounded(result.calibration.moved_mg_cm3, 2),
        },
        **trust_as_json(result, measured=measured),
        "reference": standing_as_json(result.standing) if measured else None,
        "vertebrae": {name: _vertebra(result.vertebrae.get(name)) for name in VERTEBRAE},
        "levels": levels_as_json(result.levels, measured=measured),
        "localizer": _localizer(result.box),
        "timing_s": {name: rounded(result.timing_s.get(name), 3) for name in TIMINGS},
    }


def result_from_json(document: Mapping[str, Any]) -> Result:
    """The result that `as_json` wrote, as far as it was written: rounded, without the day.

    A result of version 1 is one of the former scale.

    Raises:
        BadInput: another schema version, or keys that are missing or hold what they cannot.
    """
    try:
        entries = Entries.of(document, "the document")
        version = entries.whole("schema_version")
        if version == SCHEMA_VERSION:
            return _read(Entries(document, ""))
        if version == FORMER_VERSION:
            return _read(Entries(_with_what_came_later(Entries(document, "")), ""))
    except ValueError as error:
        raise BadInput(f"This is not a whole result.json ({error}); measure the CT again.") from error
    raise BadInput(
        f"This result.json is of schema version {version}, and this program reads up to {SCHEMA_VERSION}; "
        "measure the CT again or install the program that wrote it."
    )


def result_from_text(text: str) -> Result:
    """As `result_from_json`, of the text of a result.json.

    Raises:
        BadInput: also where it is no JSON.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"This is no result.json ({error}); measure the CT again.") from error
    return result_from_json(document)


def _with_what_came_later(document: Entries) -> dict[str, Any]:
    """A document of version 1 with the keys that it lacks."""
    unknown = dict.fromkeys(("hu_region", "hu_region_sd", "region_voxels", "network_bmd_mg_cm3", "region_ras_mm"))
    line, vertebrae = document.part("calibration"), document.part("vertebrae")
    return {
        **document.values,
        "scale": FORMER,
        "thresholds_mg_cm3": {"material": HA, **document.part("thresholds_mg_cm3").values},
        "calibration": {
            **line.values,
            "kind": "voltage",
            "zero": None,
            "slope_sd_percent": 0.0,
            "intercept_sd_hu": 0.0,
        },
        "vertebrae": {name: {**unknown, **vertebrae.part(name).values} for name in VERTEBRAE},
    }


def _read(document: Entries) -> Result:
    known, probability, timing = document.part("input"), document.part("probability"), document.part("timing_s")
    vertebrae = {name: _read_vertebra(document.part("vertebrae").part(name)) for name in VERTEBRAE}
    measured = [
        name for name, vertebra in vertebrae.items() if isinstance(vertebra, (MeasuredVertebra, FormerVertebra))
    ]
    status: Status = document.word("status", get_args(Status))  # type: ignore[assignment]  # one of these
    is_refused = status == "refused"
    if is_refused and any(document.has(key) for key in ("bmd_mg_cm3", "bmd_sd_mg_cm3", "category")):
        raise ValueError("a refused result has a density")
    used = document.words("vertebrae_used", measured)
    if not used and not is_refused:
        raise ValueError("the density of a result is of no vertebra")
    thresholds, models = document.part("thresholds_mg_cm3"), document.part("models")
    return Result(
        acquisition=Acquisition(
            path=known.text("path"),
            format=known.text("format"),
            series_instance_uid=known.optional(known.text, "series_instance_uid"),
            kvp=known.optional(known.number, "kvp"),
            kernel=known.optional(known.text, "kernel"),
            contrast_agent=known.optional(known.text, "contrast_agent"),
            **_read_later_facts(known),
        ),
        size_ijk=triple(known.wholes("size_ijk", 3)),
        spacing_mm=triple(known.numbers("spacing_mm", 3)),
        models={stage: _read_model(models.part(stage)) for stage in STAGES if models.has(stage)},
        status=status,
        reasons=tuple(_read_reason(reason) for reason in document.parts("reasons")),
        bmd_mg_cm3=None if is_refused else document.number("bmd_mg_cm3"),
        bmd_sd_mg_cm3=None if is_refused else document.number("bmd_sd_mg_cm3"),
        vertebrae_used=used,
        category=None if is_refused else document.word("category", CATEGORIES),
        thresholds=Thresholds(
            thresholds.number("osteoporosis"), thresholds.number("osteopenia"), thresholds.word("material", MATERIALS)
        ),
        probability={name: probability.optional(probability.number, name) for name in ("osteoporosis", "abnormal")},
        calibration=calibration_of(document.part("calibration")),
        vertebrae={name: vertebra for name, vertebra in vertebrae.items() if vertebra is not None},
        box=_read_box(document.part("localizer")) if document.has("localizer") else None,
        timing_s={name: timing.number(name) for name in timing.values if timing.has(name)},
        scale=document.word("scale", (QCT_READING, FORMER)),  # type: ignore[arg-type]  # one of the two
        levels=levels_from_json(document.part("levels")) if document.has("levels") else None,
        **trust_from_json(document),
        standing=standing_from_json(document.part("reference")) if document.has("reference") else None,
    )


def _read_model(model: Entries) -> dict[str, str]:
    later = {key: model.text(key) for key in COMPUTING if model.has(key)}
    return {"name": model.text("name"), "sha256": model.text("sha256"), **later}


def _read_later_facts(known: Entries) -> dict[str, Any]:
    """Of the acquisition, what earlier files of this version lack."""
    return {
        "series_description": known.text("series") if known.has("series") else None,
        "series_asked": known.has("series_instance_uid"),
        "image_kind": ImageKind(known.text("image_kind")) if known.has("image_kind") else ImageKind.CONVENTIONAL,
        "energy_kev": known.number("energy_kev") if known.has("energy_kev") else None,
        "spectrum": known.text("spectrum") if known.has("spectrum") else None,
        "contrast_oral_only": known.flag("contrast_oral_only") if known.has("contrast_oral_only") else False,
        "contrast_hint": known.text("contrast_hint") if known.has("contrast_hint") else None,
        "scanner": known.text("scanner") if known.has("scanner") else None,
        "scanned_on": _read_month(known) if known.has("month") else None,
        "month_asked": known.has("month"),
        "kvp_by_user": known.flag("kvp_by_user") if known.has("kvp_by_user") else False,
    }


def _read_month(known: Entries) -> str:
    """ "2026-05"."""
    month = known.text("month")
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise ValueError(f"input.month is {month!r}, no month of a year")
    return month


def calibration_of(line: Entries) -> Calibration:
    """The line as its JSON entries have it, here and in the file of a scanner's own line."""
    return Calibration(
        name=line.text("name"),
        material=line.text("material"),
        slope_hu_per_mg_cm3=line.number("slope_hu_per_mg_cm3"),
        intercept_hu=line.number("intercept_hu"),
        source=line.text("source"),
        slope_sd=line.number("slope_sd_percent") / 100,
        intercept_sd_hu=line.number("intercept_sd_hu"),
        kind=line.word("kind", get_args(LineKind)) if line.has("kind") else _kind_of(line.text("source")),  # type: ignore[arg-type]
        measured_on=line.text("measured_on") if line.has("measured_on") else None,
        moved_mg_cm3=line.number("moved_mg_cm3") if line.has("moved_mg_cm3") else None,
    )


def _kind_of(source: str) -> LineKind:
    """Of a line in an earlier file: there were computed ones and those that were given."""
    return "voltage" if source in (COMPUTED, COMPUTED_AT_ENERGY) else "given"


def _read_reason(reason: Entries) -> Reason:
    """Of a code that is not known the words remain; a figure counts where it is of the unit that its code has here."""
    known = {code.value: code for code in ReasonCode}
    code = known.get(reason.text("code"), ReasonCode.OF_ANOTHER_VERSION)
    is_counted = reason.has("figure") and code.unit is not None and reason.text("unit") == code.unit
    figure = Figure(reason.number("figure"), reason.number("limit")) if is_counted else None
    severity: Severity = reason.word("severity", get_args(Severity))  # type: ignore[assignment]  # one of these
    vertebra = reason.word("vertebra", VERTEBRAE) if reason.of_key("vertebra") is not None else None
    return Reason(code, severity, reason.text("message"), vertebra, figure)


def _read_vertebra(figures: Entries) -> Vertebra | None:
    """None where `_vertebra` had nothing to write."""
    if not any(figures.has(key) for key in figures.values if key != "measurable"):
        return None
    middle, mask = _read_middle(figures), _read_mask(figures)
    if not figures.flag("measurable") or mask is None:
        return UnmeasuredVertebra(middle, mask)
    bmd, sd = figures.number("bmd_mg_cm3"), figures.number("bmd_sd_mg_cm3")
    if middle is None:
        return FormerVertebra(bmd, sd, mask)
    read = figures.number("read_mg_cm3") if figures.has("read_mg_cm3") else bmd
    return MeasuredVertebra(bmd, sd, read, figures.number_or_nan("network_bmd_mg_cm3"), middle, mask)


def _read_middle(figures: Entries) -> RegionFigures | None:
    if figures.of_key("region_ras_mm") is None:
        return None
    place = figures.part("region_ras_mm")
    half_axes = [place.part("half_axes").numbers(axis, 3) for axis in HALF_AXES]
    region = Region(np.array(place.numbers("centre", 3)), np.array(half_axes))
    read = figures.number_or_nan
    return RegionFigures(region, read("hu_region"), read("hu_region_sd"), read("region_voxels"))


def _read_mask(figures: Entries) -> MaskFigures | None:
    if figures.of_key("centroid_ras_mm") is None:
        return None
    volume, mean, sd = (figures.number_or_nan(key) for key in ("volume_mm3", "hu_mean", "hu_sd"))
    confidence = figures.optional(figures.number, "segmentation_confidence")
    return MaskFigures(volume, triple(figures.numbers("centroid_ras_mm", 3)), mean, sd, confidence)


def _read_box(localizer: Entries) -> Box:
    ranges = localizer.part("box_ras_mm")
    return Box(np.array([ranges.numbers(axis, 2) for axis in "ras"], dtype=float), localizer.number("score"))


def _model(model: Mapping[str, str] | None) -> dict[str, str | None] | None:
    return None if model is None else {key: model.get(key) for key in ("name", "sha256", *COMPUTING)}


def _input(result: Result) -> dict[str, Any]:
    acquisition = result.acquisition
    return {
        "path": acquisition.path,
        "format": acquisition.format,
        "series_instance_uid": acquisition.series_instance_uid if acquisition.series_asked else None,
        "size_ijk": [int(n) for n in result.size_ijk],
        "spacing_mm": all_rounded(result.spacing_mm, 6),
        "kvp": rounded(acquisition.kvp, 1),
        "kvp_by_user": acquisition.kvp_by_user,
        "kernel": acquisition.kernel,
        "contrast_agent": acquisition.contrast_agent,
        "contrast_oral_only": acquisition.contrast_oral_only,
        "contrast_hint": acquisition.contrast_hint,
        "series": acquisition.series_description,
        "image_kind": acquisition.image_kind.value,
        "energy_kev": rounded(acquisition.energy_kev, 1),
        "spectrum": acquisition.spectrum,
        "scanner": acquisition.scanner,
        "month": acquisition.month,
    }


def _reason(reason: Reason) -> dict[str, Any]:
    figure = reason.figure
    return {
        "code": reason.code.value,
        "severity": reason.severity,
        "vertebra": reason.vertebra,
        "message": reason.message,
        "figure": None if figure is None else rounded(figure.value, 3),
        "limit": None if figure is None else rounded(figure.limit, 3),
        "unit": None if figure is None else reason.code.unit,
    }


def _vertebra(vertebra: Vertebra | None) -> dict[str, Any]:
    """All keys are there also where nothing was found, so that readers need no special case."""
    figures = VertebraFigures(volume_mm3=math.nan) if vertebra is None else VertebraFigures.of(vertebra)
    mask = None if vertebra is None else vertebra.mask
    middle = None if vertebra is None else middle_of(vertebra)
    return {
        "measurable": vertebra is not None and not isinstance(vertebra, UnmeasuredVertebra),
        "bmd_mg_cm3": rounded(figures.bmd_mg_cm3, 2),
        "bmd_sd_mg_cm3": rounded(figures.bmd_sd_mg_cm3, 2),
        "read_mg_cm3": rounded(figures.read_mg_cm3, 2),
        "hu_region": rounded(figures.hu_region, 2),
        "hu_region_sd": rounded(figures.hu_region_sd, 2),
        "region_voxels": rounded(figures.region_voxels, 1),
        "network_bmd_mg_cm3": rounded(figures.network_bmd_mg_cm3, 2),
        "hu_mean": rounded(figures.hu_mean, 2),
        "hu_sd": rounded(figures.hu_sd, 2),
        "volume_mm3": rounded(figures.volume_mm3, 1),
        "centroid_ras_mm": None if mask is None else all_rounded(mask.centroid_ras_mm, 2),
        "segmentation_confidence": rounded(figures.confidence, 4),
        "region_ras_mm": None if middle is None else _region(middle.region),
    }


def _region(region: Region) -> dict[str, Any]:
    half_axes = {name: all_rounded(axis, 4) for name, axis in zip(HALF_AXES, region.half_axes)}
    return {"centre": all_rounded(region.centre_ras, 4), "half_axes": half_axes}


def _localizer(box: Box | None) -> dict[str, Any] | None:
    if box is None:
        return None
    return {
        "score": rounded(box.score, 4),
        "box_ras_mm": {axis: all_rounded(box.ras_mm[row], 2) for row, axis in enumerate("ras")},
    }
