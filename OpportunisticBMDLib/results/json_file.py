"""result.json, version 2: the whole result for other programs. Its schema is Resources/result.schema.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import triple
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.result import FORMER, STAGES, Result
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
from OpportunisticBMDLib.results.json_levels import levels_as_json, levels_from_json
from OpportunisticBMDLib.results.json_numbers import all_rounded, number, rounded

SCHEMA_VERSION = 2
FORMER_VERSION = 1  # of results on the former scale: without the region, and what it reads
ZERO = "water at 120 kVp"  # what the lines read as 0 mg/cm3
HALF_AXES = ("right", "front", "up")
SOFTWARE = "OpportunisticBMD"
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
        },
        "vertebrae": {name: _vertebra(result.vertebrae.get(name)) for name in VERTEBRAE},
        "levels": levels_as_json(result.levels, measured=measured),
        "localizer": _localizer(result.box),
        "timing_s": {name: rounded(result.timing_s.get(name), 3) for name in TIMINGS},
    }


def result_from_json(document: Mapping[str, Any]) -> Result:
    """The result that `as_json` wrote, as far as it was written: rounded, without the scanner and the series' name.

    A result of version 1 is one of the former scale.

    Raises:
        BadInput: another schema version, or keys that are missing or hold what they cannot.
    """
    try:
        version = document["schema_version"]
        if version == SCHEMA_VERSION:
            return _read(document)
        if version == FORMER_VERSION:
            return _read(_with_what_came_later(document))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"This is not a whole result.json ({error!r}); measure the CT again.") from error
    raise BadInput(
        f"This result.json is of schema version {version!r}, and this program reads up to {SCHEMA_VERSION}; "
        "measure the CT again or install the program that wrote it."
    )


def _with_what_came_later(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document of version 1 with the keys that it lacks."""
    unknown = dict.fromkeys(("hu_region", "hu_region_sd", "region_voxels", "network_bmd_mg_cm3", "region_ras_mm"))
    return {
        **document,
        "scale": FORMER,
        "calibration": {**document["calibration"], "zero": None, "slope_sd_percent": 0.0, "intercept_sd_hu": 0.0},
        "vertebrae": {name: {**unknown, **_without_line(document["vertebrae"][name])} for name in VERTEBRAE},
    }


def _without_line(figures: Mapping[str, Any]) -> dict[str, Any]:
    """A vertebra's figures of version 1 without the line's density of the whole mask, which nothing shows any more."""
    return {key: value for key, value in figures.items() if key != "hu_line_bmd_mg_cm3"}


def _read(document: Mapping[str, Any]) -> Result:
    known = document["input"]
    vertebrae = {name: _read_vertebra(document["vertebrae"][name]) for name in VERTEBRAE}
    return Result(
        acquisition=Acquisition(
            path=known["path"],
            format=known["format"],
            series_instance_uid=known["series_instance_uid"],
            kvp=known["kvp"],
            kernel=known["kernel"],
            contrast_agent=known["contrast_agent"],
        ),
        size_ijk=triple(known["size_ijk"]),
        spacing_mm=triple(known["spacing_mm"]),
        models={stage: dict(model) for stage, model in document["models"].items() if model is not None},
        status=document["status"],
        reasons=tuple(_read_reason(reason) for reason in document["reasons"]),
        bmd_mg_cm3=document["bmd_mg_cm3"],
        bmd_sd_mg_cm3=document["bmd_sd_mg_cm3"],
        vertebrae_used=tuple(document["vertebrae_used"]),
        category=document["category"],
        thresholds=Thresholds(**document["thresholds_mg_cm3"]),
        probability=dict(document["probability"]),
        calibration=_read_calibration(document["calibration"]),
        vertebrae={name: vertebra for name, vertebra in vertebrae.items() if vertebra is not None},
        box=_read_box(document["localizer"]),
        timing_s={name: seconds for name, seconds in document["timing_s"].items() if seconds is not None},
        scale=document["scale"],
        levels=levels_from_json(document.get("levels")),
    )


def _read_calibration(line: Mapping[str, Any]) -> Calibration:
    percent = line["slope_sd_percent"]
    entries = {key: value for key, value in line.items() if key not in ("zero", "slope_sd_percent")}
    return Calibration(**entries, slope_sd=percent / 100)


def _read_reason(reason: Mapping[str, Any]) -> Reason:
    """Of a code that is not known the words remain; a figure counts where it is of the unit that its code has here."""
    known = {code.value: code for code in ReasonCode}
    code = known.get(reason["code"], ReasonCode.OF_ANOTHER_VERSION)
    is_counted = reason.get("figure") is not None and code.unit is not None and reason["unit"] == code.unit
    figure = Figure(reason["figure"], reason["limit"]) if is_counted else None
    return Reason(code, reason["severity"], reason["message"], reason["vertebra"], figure)


def _read_vertebra(figures: Mapping[str, Any]) -> Vertebra | None:
    """None where `_vertebra` had nothing to write."""
    if not any(value is not None for key, value in figures.items() if key != "measurable"):
        return None
    middle, mask = _read_middle(figures), _read_mask(figures)
    if not figures["measurable"] or mask is None:
        return UnmeasuredVertebra(middle, mask)
    bmd, sd, network = (number(figures[key]) for key in ("bmd_mg_cm3", "bmd_sd_mg_cm3", "network_bmd_mg_cm3"))
    return FormerVertebra(bmd, sd, mask) if middle is None else MeasuredVertebra(bmd, sd, network, middle, mask)


def _read_middle(figures: Mapping[str, Any]) -> RegionFigures | None:
    place = figures["region_ras_mm"]
    if place is None:
        return None
    region = Region(np.array(place["centre"]), np.array([place["half_axes"][axis] for axis in HALF_AXES]))
    return RegionFigures(region, *(number(figures[key]) for key in ("hu_region", "hu_region_sd", "region_voxels")))


def _read_mask(figures: Mapping[str, Any]) -> MaskFigures | None:
    centroid = figures["centroid_ras_mm"]
    if centroid is None:
        return None
    volume, mean, sd = (number(figures[key]) for key in ("volume_mm3", "hu_mean", "hu_sd"))
    return MaskFigures(volume, triple(centroid), mean, sd, figures["segmentation_confidence"])


def _read_box(localizer: Mapping[str, Any] | None) -> Box | None:
    if localizer is None:
        return None
    return Box(np.array([localizer["box_ras_mm"][axis] for axis in "ras"], dtype=float), localizer["score"])


def _model(model: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if model is None else {"name": model["name"], "sha256": model["sha256"]}


def _input(result: Result) -> dict[str, Any]:
    acquisition = result.acquisition
    return {
        "path": acquisition.path,
        "format": acquisition.format,
        "series_instance_uid": acquisition.series_instance_uid,
        "size_ijk": [int(n) for n in result.size_ijk],
        "spacing_mm": all_rounded(result.spacing_mm, 6),
        "kvp": rounded(acquisition.kvp, 1),
        "kernel": acquisition.kernel,
        "contrast_agent": acquisition.contrast_agent,
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
