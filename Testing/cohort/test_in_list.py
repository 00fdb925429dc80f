"""Lists of CTs, as CSV and as Parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.cohort.in_list import cases_listed
from OpportunisticBMDLib.core.errors import BadInput


def listed(folder: Path, text: str) -> list[Case]:
    file = folder / "list.csv"
    file.write_text(text, encoding="utf-8")
    return cases_listed(file)


def test_a_list_says_all_that_is_known(tmp_path: Path):
    (case,) = listed(tmp_path, "name,path,series,age,sex,ward\np1,cts/a.nii.gz,1.2.3,61,Female,7\n")
    assert case == Case("p1", tmp_path / "cts" / "a.nii.gz", "1.2.3", 61, "female")


def test_paths_alone_are_enough_and_names_are_stable(tmp_path: Path):
    first, second = listed(tmp_path, "path\n/data/miller/ct.nii.gz\n/data/smith/ct.nii.gz\n")
    assert first.source == Path("/data/miller/ct.nii.gz") and first.series is first.age_years is first.sex is None
    assert first.name != second.name and first.name.startswith("ct-") and "miller" not in first.name
    (alone,) = listed(tmp_path, "path\n/data/smith/ct.nii.gz\n")
    assert alone.name == second.name


def test_series_of_one_folder_are_different_cts(tmp_path: Path):
    first, second = listed(tmp_path, "path,series\nstudy,1.2.3\nstudy,1.2.4\n")
    assert first.name != second.name and (first.series, second.series) == ("1.2.3", "1.2.4")


def test_spreadsheets_write_a_mark_before_the_first_column(tmp_path: Path):
    (case,) = listed(tmp_path, "\ufeffpath\na.nii\n")
    assert case.source == tmp_path / "a.nii"


def test_parquet_says_the_same(tmp_path: Path):
    table = pa.table({"path": ["a.nii"], "age": [61], "sex": [None], "ward": [7]})
    parquet.write_table(table, tmp_path / "list.parquet")
    (case,) = cases_listed(tmp_path / "list.parquet")
    assert (case.source, case.age_years, case.sex) == (tmp_path / "a.nii", 61, None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("file\na.nii\n", "has no column named path"),
        ("", "has no column named path"),
        ("path;name\na.nii;x\n", "has no column named path.*with commas"),
        ("path,name\na.nii,x\nb.nii,X\n", "more than once"),
        ("path\na.nii\na.nii\n", "more than once"),
        ("path,name\na.nii,../x\n", "cannot be that of a folder"),
        ("path,name\n,x\n", "no path in row 1"),
        ("path,age\na.nii,old\n", "age in row 1"),
        ("path,age\na.nii,nan\n", "age in row 1"),
        ("path,age\na.nii,1e400\n", "age in row 1"),
        ("path,sex\na.nii,F\n", "sex in row 1"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, text: str, why: str):
    with pytest.raises(BadInput, match=why):
        listed(tmp_path, text)


def test_no_list_is_one_sentence(tmp_path: Path):
    for name, content in (("a.csv", b"path\n\xff\xfe\n"), ("a.parquet", b"PAR1")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match="cannot be read as a list"):
            cases_listed(tmp_path / name)
