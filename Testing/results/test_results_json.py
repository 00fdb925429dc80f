"""result.json keeps its schema, its order and its units, whatever the result."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from example_levels import sure
from example_results import EXAMPLES, acquisition, normal, refused, review, vertebra
from OpportunisticBMDLib.core.ct import ImageKind
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.materials import k2hpo4_of
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.vertebra import FormerVertebra
from OpportunisticBMDLib.results.json_file import COMPUTING, as_json, result_from_json

RESULTS = {**EXAMPLES, "levels": lambda: replace(normal(), levels=sure())}
SCANNED = {"series", "image_kind", "energy_kev", "spectrum", "scanner", "month", "kvp_by_user"}
LATER_FACTS = {"contrast_oral_only", "contrast_hint", *SCANNED}
# Keys that older results of version 2 lack.
LINE_FACTS = {"kind", "measured_on", "moved_mg_cm3"}
TRUST = {"contrast", "tissues_hu", "correction", "uncertainty_mg_cm3", "read_mg_cm3", "reference", *LINE_FACTS}
LATER = {"figure", "limit", "unit", "levels", "skeleton", "name", *COMPUTING, *TRUST, *LATER_FACTS}
SCHEMA = json.loads((Path(__file__).parents[2] / "Resources" / "result.schema.json").read_text())


def check(document: dict) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_the_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", RESULTS)
def test_every_kind_of_result_follows_the_schema(name):
    check(json.loads(json.dumps(as_json(RESULTS[name]()), allow_nan=False)))


@pytest.mark.parametrize("name", RESULTS)
def test_keys_come_in_the_schemas_order(name):
    def in_order(document, schema):
        schema = SCHEMA["$defs"][schema["$ref"].split("/")[-1]] if "$ref" in schema else schema
        if isinstance(document, dict) and "properties" in schema:  # organs have names of their own
            assert list(document) == list(schema["properties"])
            assert [key for key in document if key in schema["required"]] == schema["required"]
            assert set(document) - set(schema["required"]) <= LATER
            for key, value in document.items():
                in_order(value, schema["properties"][key])
        if isinstance(document, list):
            for value in document:
                in_order(value, schema.get("items", {}))

    in_order(as_json(RESULTS[name]()), SCHEMA)


def test_whose_word_the_tube_voltage_is_outlasts_the_file():
    stated = replace(normal(), acquisition=replace(normal().acquisition, kvp=100.0, kvp_by_user=True))
    document = as_json(stated)
    check(document)
    assert result_from_json(document).acquisition.kvp_by_user
    del document["input"]["kvp_by_user"]  # an earlier file
    assert not result_from_json(document).acquisition.kvp_by_user


def test_a_refusal_never_carries_a_number():
    sneaky = replace(
        refused(),
        bmd_mg_cm3=101.0,
        bmd_sd_mg_cm3=3.0,
        category="osteopenia",
        vertebrae_used=("L1",),
        probability={"osteoporosis": 0.1, "abnormal": 0.9},
    )
    document = as_json(sneaky)
    check(document)
    assert document["bmd_mg_cm3"] is None and document["category"] is None
    assert document["probability"] == {"osteoporosis": None, "abnormal": None}


@pytest.mark.parametrize("key, value", (("bmd_mg_cm3", 101.0), ("category", "osteopenia")))
def test_the_schema_rejects_a_refusal_with_a_number(key, value):
    with pytest.raises(jsonschema.ValidationError):
        check({**as_json(refused()), key: value})


def test_the_schema_rejects_a_measurement_without_a_number():
    with pytest.raises(jsonschema.ValidationError):
        check({**as_json(normal()), "bmd_mg_cm3": None})


def test_nothing_that_is_not_finite_is_written():
    wild = vertebra(float("nan"), float("inf"), hu=float("-inf"), volume_mm3=float("nan"))
    document = as_json(replace(normal(), vertebrae={"L1": wild}, bmd_sd_mg_cm3=float("inf")))
    assert not re.search("NaN|Infinity", json.dumps(document))
    assert document["vertebrae"]["L1"]["bmd_mg_cm3"] is None and document["bmd_sd_mg_cm3"] is None


def test_values_are_those_of_the_result():
    document = as_json(review())
    assert document["bmd_mg_cm3"] == 112.4 and document["vertebrae_used"] == ["T12", "L1"]
    assert document["input"]["spacing_mm"] == [0.703125, 0.703125, 2.5]
    assert document["input"]["kvp"] is None
    assert document["localizer"]["box_ras_mm"]["s"] == [98.0, 202.0]
    assert document["vertebrae"]["L2"]["measurable"] is False
    assert [reason["vertebra"] for reason in document["reasons"]] == [None, None, "L2"]


def test_vertebrae_that_were_not_reached_keep_their_keys():
    assert set(as_json(refused())["vertebrae"]) == {"T12", "L1", "L2"}
    assert as_json(refused())["vertebrae"]["T12"]["volume_mm3"] is None


@pytest.mark.parametrize("name", RESULTS)
def test_reading_gives_back_what_was_written(name):
    written = json.loads(json.dumps(as_json(RESULTS[name]())))
    read = result_from_json(written)
    assert as_json(read) == written
    assert set(read.vertebrae) == set(RESULTS[name]().vertebrae)


def test_what_was_read_is_of_the_results_own_types():
    read = result_from_json(as_json(review()))
    known = review()
    assert (read.reasons, read.thresholds, read.probability) == (known.reasons, known.thresholds, known.probability)
    assert read.vertebrae_used == ("T12", "L1") and read.size_ijk == known.size_ijk
    assert read.vertebrae["T12"].mask.centroid_ras_mm == (12.0, -52.0, 150.0)
    assert read.box.centre_ras.tolist() == known.box.centre_ras.tolist()
    assert read.acquisition == known.acquisition and read.calibration == known.calibration


def test_figures_that_were_not_finite_are_read_as_missing():
    known = {"L1": vertebra(120.0, volume_mm3=float("nan"))}
    wild = replace(normal(), vertebrae=known, vertebrae_used=("L1",))
    read = result_from_json(as_json(wild))
    assert as_json(read) == as_json(wild) and set(read.vertebrae) == {"L1"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 3}, "schema version 3"),
        ({"vertebrae": {"T12": {}}}, "not a whole result.json"),
        ({"thresholds_mg_cm3": None}, "not a whole result.json"),
        ({"reasons": [{"code": "x"}]}, "not a whole result.json"),
    ],
)
def test_what_is_no_result_is_refused(changes, message):
    with pytest.raises(BadInput, match=message):
        result_from_json({**as_json(normal()), **changes})


def version_1(result: Result) -> dict:
    """As the program wrote it before."""
    document = as_json(result)
    for key in ("scale", "bmd_k2hpo4_mg_cm3", "levels"):
        del document[key]
    del document["thresholds_mg_cm3"]["material"], document["models"]["skeleton"], document["timing_s"]["name"]
    for key in ("zero", "slope_sd_percent", "intercept_sd_hu"):
        del document["calibration"][key]
    for reason in document["reasons"]:
        for key in ("figure", "limit", "unit"):
            del reason[key]
    for figures in document["vertebrae"].values():
        for key in ("hu_region", "hu_region_sd", "region_voxels", "region_ras_mm"):
            del figures[key]
    return {**document, "schema_version": 1}


def test_a_result_of_version_1_is_read_as_one_of_the_former_scale():
    read = result_from_json(version_1(normal()))
    assert read.scale == "former" and read.bmd_mg_cm3 == 152.31 and read.category == "normal"
    assert read.bmd_k2hpo4_mg_cm3 is None and read.thresholds.material == "HA"
    l1 = read.vertebrae["L1"]
    assert isinstance(l1, FormerVertebra) and l1.bmd_mg_cm3 == 154.0
    assert result_from_json(as_json(read)).scale == "former"  # written again it stays one
    assert as_json(read)["bmd_k2hpo4_mg_cm3"] is None


def test_both_materials_are_given_and_the_region_comes_back():
    document = as_json(normal())
    assert document["scale"] == "QCT reading"
    assert document["bmd_k2hpo4_mg_cm3"] == pytest.approx(k2hpo4_of(152.31), abs=0.01)
    read, known = result_from_json(document).vertebrae["L2"].middle.region, normal().vertebrae["L2"].middle.region
    assert read.centre_ras == pytest.approx(known.centre_ras, abs=1e-3)
    assert read.half_axes == pytest.approx(known.half_axes, abs=1e-3)


def test_a_leaning_region_survives_rounding():
    axes = Rotation.from_rotvec([0.3, -0.2, 0.1]).as_matrix()
    region = Region(np.full(3, 1 / 3), np.array([[12.0], [9.0], [4.5]]) * axes)
    result = replace(normal(), vertebrae={"L1": vertebra(120.0, region=region)}, vertebrae_used=("L1",))
    read = result_from_json(json.loads(json.dumps(as_json(result)))).vertebrae["L1"].middle.region
    assert np.abs(read.half_axes - region.half_axes).max() < 1e-3


def test_the_line_is_given_with_its_zero_and_its_uncertainty():
    line = as_json(normal())["calibration"]
    assert (line["zero"], line["slope_sd_percent"], line["intercept_sd_hu"]) == ("water at 120 kVp", 4.0, 2.9)


def test_a_document_of_another_kind_is_refused():
    with pytest.raises(BadInput, match="not a whole"):
        result_from_json({"hello": 1})
    with pytest.raises(BadInput, match="not a whole"):
        result_from_json([])


def test_a_reason_carries_the_figure_that_tripped_it():
    thick = Reason(ReasonCode.THICK_SLICES, "info", "Slices of 5.0 mm blur.", figure=Figure(5.0, 3.5))
    document = as_json(replace(normal(), reasons=(thick,)))
    (written,) = document["reasons"]
    assert (written["figure"], written["limit"], written["unit"]) == (5.0, 3.5, "mm")
    assert result_from_json(document).reasons == (thick,)


def test_a_reason_without_a_figure_says_so():
    plain = Reason(ReasonCode.KVP_UNKNOWN, "info", "The tube voltage is not known.")
    (written,) = as_json(replace(normal(), reasons=(plain,)))["reasons"]
    assert (written["figure"], written["limit"], written["unit"]) == (None, None, None)


def test_of_a_reason_that_is_not_known_the_words_remain():
    document = as_json(review())
    document["reasons"][0] |= {"code": "sunspots", "figure": 3.0, "limit": 2.0, "unit": "mm"}
    read = result_from_json(document).reasons[0]
    assert (read.code, read.message, read.figure) == ("of_another_version", review().reasons[0].message, None)


def test_a_figure_of_another_unit_is_not_taken_for_one_of_ours():
    thick = Reason(ReasonCode.THICK_SLICES, "info", "Slices of 5.0 mm blur.", figure=Figure(5.0, 3.5))
    document = as_json(replace(normal(), reasons=(thick,)))
    document["reasons"][0]["unit"] = "cm"
    assert result_from_json(document).reasons[0].figure is None


def test_a_result_from_before_reasons_had_figures_is_read_and_follows_the_schema():
    document = as_json(review())
    for reason in document["reasons"]:
        for key in ("figure", "limit", "unit"):
            del reason[key]
    check(document)
    assert result_from_json(document).reasons == review().reasons


def test_a_reason_without_a_unit_has_no_figure():
    with pytest.raises(ValueError, match="has no unit"):
        Reason(ReasonCode.NOT_FOUND, "warning", "L1 was not found.", "L1", Figure(1, 2))


def told(**facts: object) -> dict:
    document = as_json(replace(normal(), acquisition=acquisition(**facts)))
    check(document)
    return document


def test_what_was_read_is_told_and_comes_back():
    facts = {
        "series_description": 'series 3 "Thorax", 103 slices 2.5 mm apart',
        "image_kind": ImageKind.MONOENERGETIC,
        "energy_kev": 70.0,
        "spectrum": "tin filter",
        "contrast_oral_only": True,
        "contrast_hint": "portal venous",
    }
    assert result_from_json(told(**facts)).acquisition == acquisition(**facts)


def test_the_series_uid_is_told_only_where_it_was_asked_for():
    assert told(series_instance_uid="1.2.3")["input"]["series_instance_uid"] is None
    document = told(series_instance_uid="1.2.3", series_asked=True)
    assert document["input"]["series_instance_uid"] == "1.2.3"
    assert result_from_json(document).acquisition.series_asked


def test_results_from_before_these_facts_are_read_as_conventional():
    document = told()
    document["input"] = {key: value for key, value in document["input"].items() if key not in LATER_FACTS}
    check(document)
    assert result_from_json(document).acquisition == acquisition()
