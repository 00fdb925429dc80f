"""A dataset whose files hold anything: read, or refused in one sentence; what killed programs left is put in order."""

from __future__ import annotations

import copy
import json
import os
import random
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from OpportunisticBMDLib.cases import Case, CaseInfo, add_scan, open_dataset, write_case
from OpportunisticBMDLib.cases.check import check
from OpportunisticBMDLib.cases.drafts import Draft, find_draft, save_draft
from OpportunisticBMDLib.cases.files import read_json
from OpportunisticBMDLib.cases.hardest import Uncertainty, hardest_first, record, uncertainties
from OpportunisticBMDLib.cases.split import category_of
from OpportunisticBMDLib.cases.store import list_entries, update_case
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume

GRID = Grid((12, 10, 8), np.diag([2.0, 2.0, 3.0, 1.0]))
INFO = CaseInfo(
    reference_bmd_mg_cm3={"T12": 121.5, "L1": 98.0},
    reference_method="QCT",
    sex="female",
    age_band="60-69",
    scanner="GE Discovery",
    kvp=120,
    exclusions=("L2: fracture",),
    annotator="radiologist A",
    history=("automatic",),
    patient="patient-1",
)


def case(case_id: str = "case-1", first: int = 0) -> Case:
    hu = np.random.default_rng(1).integers(-1000, 1500, GRID.size).astype(np.int16)
    hu[0, 0, 0] = first
    labels = np.zeros(GRID.size, np.uint8)
    for label in (1, 2, 3):
        labels[3:9, 3:7, 6 - 2 * label + 1] = label
    return Case(case_id, Volume(hu, GRID), Volume(labels, GRID), INFO)


@pytest.fixture
def dataset(tmp_path) -> Path:
    directory = tmp_path / "dataset"
    write_case(directory, case("case-1"))
    write_case(directory, case("case-2"), fold=1)
    save_draft(directory / "cases" / "case-1", Draft(case().labels, {"annotator": "A"}))
    record(directory, {"case-1": Uncertainty(*[0.5] * len(Uncertainty.__dataclass_fields__))})
    return directory


ODD = (
    None, True, 0, 1, -1, 2, 5, 1e308, 10**400, float("nan"), float("inf"), "", "x", "L1", "case-2", "../../x",
    "\x1b[2J", [], {}, [1], ["L1", "L1"], [[]], {"a": 1}, [{}], "read", "new", "draft", "other", "90+",
)  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def use(directory: Path) -> None:
    """All that is done with what the files say."""
    found = open_dataset(directory)
    known = uncertainties(directory)
    hardest_first(found.ids, known)
    for case_id in found.ids:
        category_of(found.info(case_id))
        json.dumps(asdict(found.info(case_id)), allow_nan=False)
        find_draft(found.folder(case_id), GRID)
    list_entries(directory, list(found.entries))


FILES = ("dataset.json", "uncertainty.json", "cases/case-1/case.json", "cases/case-1/drafts/annotation.json")


@pytest.mark.parametrize("name", FILES)
def test_what_was_changed_anywhere_is_refused_or_used(dataset, name):
    rng, whole = random.Random(16), json.loads((dataset / name).read_text())
    others = {other: (dataset / other).read_bytes() for other in FILES}
    for number in range(120):
        document = copy.deepcopy(whole)
        container, key = rng.choice(list(places(document)))
        if rng.random() < 0.15:
            del container[key]
        else:
            container[key] = copy.deepcopy(rng.choice(ODD))
        (dataset / name).write_text(json.dumps(document))
        try:
            use(dataset)
        except BadInput as error:
            assert str(error).isprintable()
        if number % 10 == 0 and name != "dataset.json":
            assert all(str(fault).isprintable() for fault in check(dataset).faults)
        for other, content in others.items():
            (dataset / other).write_bytes(content)
    use(dataset)


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 50_000, '{"a":' * 50_000, "[]", "5", "\udcff", '{"schema_version": NaN}']
)
def test_a_file_that_is_no_json_is_refused(tmp_path, text):
    (tmp_path / "dataset.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(BadInput, match=r"dataset\.json"):
        open_dataset(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes and devices among its files")
@pytest.mark.parametrize(
    "name", ["dataset.json", "uncertainty.json", "case.json", "ct.nii.gz", "segmentation.seg.nrrd"]
)
def test_only_ordinary_files_are_opened(dataset, name):
    path = next(path for path in dataset.rglob(name))
    path.unlink()
    os.mkfifo(path)
    try:
        use(dataset)
    except BadInput:
        return
    assert name == "uncertainty.json", "which can be computed again"
    path.unlink()
    path.symlink_to("/dev/zero")
    use(dataset)


def test_a_file_larger_than_any_is_not_read(tmp_path):
    with (tmp_path / "dataset.json").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(BadInput, match="larger than"):
        read_json(tmp_path / "dataset.json")


def test_names_that_no_disk_can_hold_are_refused(tmp_path):
    with pytest.raises(BadInput):
        open_dataset(tmp_path / ("a" * 300))
    with pytest.raises(BadInput):
        read_json(tmp_path / ("a" * 300))


@pytest.mark.parametrize("content", [b"", b"NRRD", b"NRRD0004\n\n", "half", "flipped"], ids=str)
def test_broken_masks_are_refused_and_are_a_fault(dataset, content):
    path = dataset / "cases/case-1/segmentation.seg.nrrd"
    whole = path.read_bytes()
    if content == "flipped":
        content = whole[:-20] + bytes([whole[-20] ^ 255]) + whole[-19:]
    path.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    with pytest.raises(BadInput, match="segmentation"):
        open_dataset(dataset).case("case-1")
    with pytest.raises(BadInput, match="segmentation"):
        open_dataset(dataset).labels("case-1", GRID)
    assert {fault.code for fault in check(dataset).faults if fault.where == "case-1"} >= {"damaged"}


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_a_folder_whose_name_is_no_text_is_read_and_not_written(dataset):
    other = Path(os.fsdecode(os.fsencode(dataset) + b"\xf6"))
    dataset.rename(other)
    assert np.array_equal(open_dataset(other).case("case-1").ct.array, case().ct.array)
    with pytest.raises(BadInput, match=r"\\xf6 holds bytes that are no text"):
        write_case(other, case("case-3"))
    update_case(other, "case-1", labels=case().labels, info=INFO, status="reviewed")


# What killed programs left


def state(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file() and path.name != ".dataset.lock")
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_a_case_whose_replacing_was_cut_short_is_put_back(dataset):
    before = state(dataset / "cases")
    abandoned = dataset / "cases" / ".writing-1"
    (abandoned / "case-1").mkdir(parents=True)
    (dataset / "cases" / "case-1").rename(abandoned / "replaced")
    write_case(dataset, case("case-3"))
    assert {name: content for name, content in state(dataset / "cases").items() if "case-3" not in name} == before


def test_a_new_case_whose_writing_was_cut_short_is_removed(dataset):
    abandoned = dataset / "cases" / ".writing-1"
    (abandoned / "case-3").mkdir(parents=True)
    (abandoned / "case-3" / "ct.nii.gz").write_bytes(b"half")
    write_case(dataset, case("case-4"))
    assert sorted(path.name for path in (dataset / "cases").iterdir()) == ["case-1", "case-2", "case-4"]


def test_a_scan_that_was_not_listed_yet_can_be_added_again(dataset):
    add_scan(dataset, "case-3", case().ct, INFO)
    before = state(dataset)
    content = json.loads((dataset / "dataset.json").read_text())
    content["cases"] = [entry for entry in content["cases"] if entry["id"] != "case-3"]
    (dataset / "dataset.json").write_text(json.dumps(content))
    add_scan(dataset, "case-3", case().ct, INFO)
    assert state(dataset) == before
    with pytest.raises(BadInput, match="has a case case-3 already"):
        add_scan(dataset, "case-3", case().ct, INFO)


def test_work_that_is_not_listed_is_not_replaced(dataset):
    content = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps(content | {"cases": content["cases"][:1]}))
    with pytest.raises(BadInput, match="has a case case-2 already"):
        add_scan(dataset, "case-2", case().ct, INFO)


def test_a_case_comes_back_where_its_replacing_fails(dataset, monkeypatch):
    before, rename = state(dataset), Path.rename

    def fails(path: Path, target: Path) -> Path:
        if path.name == target.name == "case-1":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="No space left"):
        write_case(dataset, case("case-1", first=5))
    assert state(dataset) == before
