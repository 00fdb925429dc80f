"""A phantom of one's own in a JSON file: the same as a known one, or one sentence that says what is wrong."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from OpportunisticBMDLib.calibration.phantoms import PHANTOMS
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results.phantom_file import read_phantom

ESP = {
    "schema_version": 1,
    "name": "European Spine Phantom",
    "material": "HA",
    "arrangement": "behind",
    "radius_mm": [15, 19],
    "length_mm": 20,
    "spacing_mm": [25, 50],
    "inserts": [
        {"name": "low", "density_mg_cm3": 50},
        {"name": "medium", "density_mg_cm3": 100},
        {"name": "high", "density_mg_cm3": 200},
    ],
}


def written(folder: Path, content: object) -> Path:
    path = folder / "mine.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_file_describes_what_is_known(tmp_path):
    assert read_phantom(written(tmp_path, ESP)) == PHANTOMS["esp"]


def test_certificates_of_mindways_fit_into_a_file(tmp_path):
    rods = [{"name": "A", "density_mg_cm3": -51.8, "water_mg_cm3": 1012.2}, {"name": "E", "density_mg_cm3": 375.8}]
    with pytest.raises(BadInput, match="water_mg_cm3 is stated of some inserts"):
        read_phantom(written(tmp_path, {**ESP, "inserts": rods}))
    rods[1]["water_mg_cm3"] = 923.2
    assert read_phantom(written(tmp_path, {**ESP, "inserts": rods})).inserts[0].water_mg_cm3 == 1012.2


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"schema_version": 2}, "its schema_version is not 1"),
        ({"radius_mm": 13}, "radius_mm is not a list"),
        ({"radius_mm": [25, 13]}, "radius_mm lies between 5 and 1000 mm, the least first"),
        ({"material": "bone"}, "material is 'bone', not one of HA, K2HPO4"),
        ({"inserts": []}, "a line needs at least two inserts"),
        ({"inserts": [{"name": "x"}]}, r"inserts\[0\].density_mg_cm3 is missing"),
        ({"length_mm": None}, "length_mm is not a number"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(tmp_path, change, named):
    path = written(tmp_path, {**ESP, **change})
    with pytest.raises(
        BadInput, match=rf"mine.json holds no description of a phantom \({named}.*\); correct it"
    ) as error:
        read_phantom(path)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", ["", "[1]", "{", "\xff", "[" * 100_000], ids=["empty", "list", "open", "bytes", "deep"]
)
def test_no_json_is_said_in_one_sentence(tmp_path, content):
    path = tmp_path / "mine.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(BadInput, match="holds no description of a phantom"):
        read_phantom(path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes among its files")
def test_neither_folders_nor_pipes_are_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "absent"):
        with pytest.raises(BadInput, match="cannot be read"):
            read_phantom(path)
