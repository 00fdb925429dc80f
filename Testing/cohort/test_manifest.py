"""The manifest: parts that are whole, and one table of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pyarrow import parquet

from cohort.invented_rows import measured, rows
from OpportunisticBMDLib.cohort.manifest import SCHEMA, Manifest
from OpportunisticBMDLib.cohort.row import FAILED, Row, row_of_entries
from OpportunisticBMDLib.core.errors import BadInput


def all_rows(manifest: Manifest) -> list[Row]:
    return [row_of_entries(entries) for entries in manifest.table().to_pylist()]


def test_rows_come_back_part_by_part(tmp_path: Path):
    manifest, some = Manifest(tmp_path), rows(50)
    manifest.append(some[:20])
    manifest.append(some[20:])
    assert all_rows(manifest) == some
    assert [part.name for part in manifest.parts] == ["part-000001.parquet", "part-000002.parquet"]
    assert manifest.rows_in(manifest.parts[1:]) == 30


def test_other_programs_take_the_folder_for_one_table(tmp_path: Path):
    manifest, some = Manifest(tmp_path), rows(20)
    manifest.append(some[:10])
    manifest.append(some[10:])
    table = parquet.read_table(tmp_path)
    assert table.schema.equals(SCHEMA) and table["name"].to_pylist() == [row.name for row in some]


def test_without_parts_there_are_no_rows(tmp_path: Path):
    assert all_rows(Manifest(tmp_path)) == [] and Manifest(tmp_path).names() == set()


def test_a_damaged_part_is_one_sentence(tmp_path: Path):
    Manifest(tmp_path).append([measured()])
    part = tmp_path / "part-000001.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(BadInput, match=r"damaged.*remove it"):
        Manifest(tmp_path).table()


def test_a_part_of_another_version_is_one_sentence(tmp_path: Path):
    Manifest(tmp_path).append([measured()])
    part = tmp_path / "part-000001.parquet"
    parquet.write_table(parquet.ParquetFile(part).read().drop(["message"]), part)
    with pytest.raises(BadInput, match=r"another version.*remove it"):
        Manifest(tmp_path).table()


def test_failed_rows_are_taken_out_and_the_others_stay(tmp_path: Path):
    manifest, some = Manifest(tmp_path), [replace(measured(name), status=FAILED) for name in ("a", "b")]
    manifest.append([some[0], measured("c")])
    manifest.append([some[1]])
    assert manifest.forget_failed({"a", "c"}) == ["a"] and manifest.names() == {"b", "c"}
    assert manifest.forget_failed({"a", "b", "c"}) == ["b"] and manifest.names() == {"c"}
    manifest.append([measured("a")])
    assert manifest.names() == {"a", "c"}
