"""The vertebrae in view and their evidence go into result.json and come back from it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from example_levels import RIB, sure, unsure
from example_results import normal, refused
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.levels import Answer, Levels, Rib, Variant
from OpportunisticBMDLib.results.json_file import as_json, result_from_json

SCHEMA = json.loads((Path(__file__).parents[2] / "Resources" / "result.schema.json").read_text())
TWO_ANSWERS = (Answer(0, 0.71, 83.1), Answer(-1, 0.27, 91.0))
LEVELS = {
    "sure": sure(),
    "unsure": replace(unsure(), answers=TWO_ANSWERS),
    "moved": unsure().moved_by(1),
    "unusual": replace(sure(), variant=Variant.STUMP_RIBS, sacrum_in_view=True),
    "no spine": Levels((), ()),
}


def check(document: dict) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def to_hundredths(levels: Levels) -> Levels:
    """As far as courses are written."""

    def rounded(rib: Rib) -> Rib:
        return replace(rib, course_ras_mm=tuple(tuple(round(x, 2) for x in point) for point in rib.course_ras_mm))

    vertebrae = tuple(replace(v, right=rounded(v.right), left=rounded(v.left)) for v in levels.vertebrae)
    return replace(levels, vertebrae=vertebrae)


def through_json(levels: Levels) -> dict:
    return json.loads(json.dumps(as_json(replace(normal(), levels=levels)), allow_nan=False))


@pytest.mark.parametrize("name", LEVELS)
def test_levels_follow_the_schema_and_come_back(name):
    document = through_json(LEVELS[name])
    check(document)
    assert result_from_json(document).levels == to_hundredths(LEVELS[name])


def test_what_a_reader_of_the_file_finds():
    found = through_json(LEVELS["unsure"])["levels"]
    assert found["probability"] == 0.71 and found["moved_by_reader"] == 0 and found["variant"] == "none"
    assert found["convention"] == "L1 is the first vertebra without ribs of 4 cm (VerSe 2020)"
    assert found["answers"][1] == {"shift": -1, "probability": 0.27, "bmd_mg_cm3": 91.0}
    assert [vertebra["name"] for vertebra in found["vertebrae"]] == ["T11", "T12", "L1", "L2", "L3"]
    rib = found["vertebrae"][0]["ribs"]["left"]
    assert rib["state"] == "present" and rib["length_mm"] == RIB.length_mm
    assert rib["course_ras_mm"] == [[round(x, 2) for x in point] for point in RIB.course_ras_mm]
    states = [found["vertebrae"][1]["ribs"][side]["state"] for side in ("right", "left")]
    assert states == ["cannot tell", "remnant"]


def test_what_is_written_is_rounded():
    third = 100 / 3
    t11, *others = sure().vertebrae
    rib = replace(RIB, probability=0.98766, length_mm=third, course_ras_mm=((third, -third, 0.0),) * 2)
    levels = replace(sure(), vertebrae=(replace(t11, right=rib, centre_ras_mm=(third, third, third)), *others))
    found = through_json(levels)["levels"]["vertebrae"][0]
    assert found["centre_ras_mm"] == [33.33] * 3
    assert (found["ribs"]["right"]["probability"], found["ribs"]["right"]["length_mm"]) == (0.9877, 33.33)
    assert found["ribs"]["right"]["course_ras_mm"][0] == [33.33, -33.33, 0.0]


def test_a_refusal_tells_the_answers_without_their_densities():
    document = as_json(replace(refused(), levels=LEVELS["unsure"]))
    check(document)
    assert [answer["bmd_mg_cm3"] for answer in document["levels"]["answers"]] == [None, None]
    document["levels"]["answers"][0]["bmd_mg_cm3"] = 83.1
    with pytest.raises(jsonschema.ValidationError):
        check(document)


def test_without_levels_the_key_is_null():
    document = as_json(normal())
    check(document)
    assert document["levels"] is None and result_from_json(document).levels is None


def test_a_result_from_before_vertebrae_were_named_is_valid_and_read():
    document = as_json(replace(normal(), levels=sure()))
    del document["levels"], document["models"]["skeleton"], document["timing_s"]["name"]
    check(document)
    read = result_from_json(document)
    assert read.levels is None and set(read.models) == {"localizer", "segmentation", "bmd"}
    assert as_json(read)["levels"] is None and as_json(read)["models"]["skeleton"] is None
    check(as_json(read))


@pytest.mark.parametrize(
    "changes",
    ({"variant": "17 ribs"}, {"vertebrae": [{"name": "T12"}]}, {"answers": None}, {"answers": [{"shift": 0}]}),
)
def test_levels_that_are_not_whole_are_refused(changes):
    document = through_json(sure())
    document["levels"].update(changes)
    with pytest.raises(BadInput, match="not a whole"):
        result_from_json(document)
    with pytest.raises(jsonschema.ValidationError):
        check(document)


def test_the_time_and_the_model_of_naming_are_told():
    document = as_json(replace(normal(), timing_s={"localize": 0.8, "name": 0.31}))
    assert document["timing_s"]["name"] == 0.31 and document["models"]["skeleton"]["name"] == "skeletonnet"
