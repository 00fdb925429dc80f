"""result.json, version 2: the whole result for other programs. Its schema is Resources/result.schema.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.ct import Acquisition
from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.result import (
    FORMER,
    Box,
    Calibration,
    Reason,
    Result,
    Thresholds,
    VertebraMeasurement,
)
from OpportunisticBMDLib.vertebrae import VERTEBRAE

SCHEMA_VERSION = 2
FORMER_VERSION = 1  # of results on the former scale: without the region, and what it reads
ZERO = "water at 120 kVp"  # what the lines read as 0 mg/cm3
HALF_AXES = ("right", "front", "up")
SOFTWARE = "OpportunisticBMD"
STAGES = ("localizer", "segmentation", "bmd")
TIMINGS = ("load", "localize", "segment", "measure", "write", "total")


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
        "reasons": [
            {"code": r.code, "severity": r.severity, "vertebra": r.vertebra, "message": r.message}
            for r in result.reasons
        ],
        "bmd_mg_cm3": _rounded(result.bmd_mg_cm3, 2) if measured else None,
        "bmd_sd_mg_cm3": _rounded(result.bmd_sd_mg_cm3, 2) if measured else None,
        "bmd_k2hpo4_mg_cm3": _rounded(result.bmd_k2hpo4_mg_cm3, 2) if measured else None,
        "vertebrae_used": list(result.vertebrae_used) if measured else [],
        "category": result.category if measured else None,
        "thresholds_mg_cm3": {
            "osteoporosis": _rounded(result.thresholds.osteoporosis, 2),
            "osteopenia": _rounded(result.thresholds.osteopenia, 2),
            "material": result.thresholds.material,
        },
        "probability": {
            name: _rounded(result.probability.get(name), 4) if measured else None
            for name in ("osteoporosis", "abnormal")
        },
        "calibration": {
            "name": result.calibration.name,
            "material": result.calibration.material,
            "slope_hu_per_mg_cm3": _rounded(result.calibration.slope_hu_per_mg_cm3, 5),
            "intercept_hu": _rounded(result.calibration.intercept_hu, 3),
            "zero": ZERO,
            "source": result.calibration.source,
            "slope_sd_percent": _rounded(100 * result.calibration.slope_sd, 3),
            "intercept_sd_hu": _rounded(result.calibration.intercept_sd_hu, 3),
        },
        "vertebrae": {name: _vertebra(result.vertebrae.get(name)) for name in VERTEBRAE},
        "localizer": _localizer(result.box),
        "timing_s": {name: _rounded(result.timing_s.get(name), 3) for name in TIMINGS},
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
        size_ijk=tuple(known["size_ijk"]),
        spacing_mm=tuple(known["spacing_mm"]),
        models={stage: dict(model) for stage, model in document["models"].items() if model is not None},
        status=document["status"],
        reasons=tuple(Reason(**reason) for reason in document["reasons"]),
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
    )


def _read_calibration(line: Mapping[str, Any]) -> Calibration:
    percent = line["slope_sd_percent"]
    entries = {key: value for key, value in line.items() if key not in ("zero", "slope_sd_percent")}
    return Calibration(**entries, slope_sd=percent / 100)


def _read_vertebra(figures: Mapping[str, Any]) -> VertebraMeasurement | None:
    """None where `_vertebra` had nothing to write."""
    if not any(value is not None for key, value in figures.items() if key != "measurable"):
        return None
    volume, centroid, region = (figures[key] for key in ("volume_mm3", "centroid_ras_mm", "region_ras_mm"))
    unlike_json = {
        "volume_mm3": math.nan if volume is None else volume,
        "centroid_ras_mm": None if centroid is None else tuple(centroid),
        "region": None if region is None else Region(region["centre"], [region["half_axes"][a] for a in HALF_AXES]),
    }
    known = {key: value for key, value in figures.items() if key != "region_ras_mm"}
    return VertebraMeasurement(**{**known, **unlike_json})


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
        "spacing_mm": _all_rounded(result.spacing_mm, 6),
        "kvp": _rounded(acquisition.kvp, 1),
        "kernel": acquisition.kernel,
        "contrast_agent": acquisition.contrast_agent,
    }


def _vertebra(measurement: VertebraMeasurement | None) -> dict[str, Any]:
    """All keys are there also where nothing was found, so that readers need no special case."""
    m = measurement
    return {
        "measurable": bool(m and m.measurable),
        "bmd_mg_cm3": _rounded(m and m.bmd_mg_cm3, 2),
        "bmd_sd_mg_cm3": _rounded(m and m.bmd_sd_mg_cm3, 2),
        "hu_region": _rounded(m and m.hu_region, 2),
        "hu_region_sd": _rounded(m and m.hu_region_sd, 2),
        "region_voxels": _rounded(m and m.region_voxels, 1),
        "network_bmd_mg_cm3": _rounded(m and m.network_bmd_mg_cm3, 2),
        "hu_mean": _rounded(m and m.hu_mean, 2),
        "hu_sd": _rounded(m and m.hu_sd, 2),
        "volume_mm3": _rounded(m and m.volume_mm3, 1),
        "centroid_ras_mm": None if m is None or m.centroid_ras_mm is None else _all_rounded(m.centroid_ras_mm, 2),
        "segmentation_confidence": _rounded(m and m.segmentation_confidence, 4),
        "region_ras_mm": _region(m and m.region),
    }


def _region(region: Region | None) -> dict[str, Any] | None:
    if region is None:
        return None
    half_axes = {name: _all_rounded(axis, 4) for name, axis in zip(HALF_AXES, region.half_axes)}
    return {"centre": _all_rounded(region.centre_ras, 4), "half_axes": half_axes}


def _localizer(box: Box | None) -> dict[str, Any] | None:
    if box is None:
        return None
    return {
        "score": _rounded(box.score, 4),
        "box_ras_mm": {axis: _all_rounded(box.ras_mm[row], 2) for row, axis in enumerate("ras")},
    }


def _rounded(value: float | None, digits: int) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits) + 0.0  # + 0.0 turns -0.0 into 0.0


def _all_rounded(values: Sequence[float], digits: int) -> list[float | None]:
    return [_rounded(value, digits) for value in values]
