"""The CTs of a list: a CSV or Parquet file with a column `path`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.cohort.case import MOST_LETTERS, Case, digest, is_safe, named_twice, safe
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.standing import MOST_YEARS, SEXES

COLUMNS = ("path", "name", "series", "age", "sex")
LISTS = (".csv", ".parquet")


def cases_listed(file: Path) -> list[Case]:
    """A CT for each row, with the columns of `COLUMNS`; all but `path` may be missing or empty, others are left alone.

    Args:
        file: paths in it that are not absolute begin at its folder.

    Raises:
        BadInput: it cannot be read, has no column `path`, or a row is not right.
    """
    try:
        rows = _of_parquet(file) if file.suffix.lower() == ".parquet" else _of_csv(file)
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise BadInput(f"{file} cannot be read as a list of CTs ({why}); give a CSV or Parquet file.") from error
    cases = [_case(row, file, number) for number, row in enumerate(rows, start=1)]
    if twice := named_twice([case.name for case in cases]):
        raise BadInput(f"{file} has the name {min(twice)!r} more than once; each CT needs a name of its own.")
    return cases


def _of_csv(file: Path) -> list[Mapping[str, Any]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened)
        _check_columns(reader.fieldnames or (), file)
        return list(reader)


def _of_parquet(file: Path) -> list[Mapping[str, Any]]:
    from pyarrow import parquet

    with parquet.ParquetFile(file) as opened:
        columns = opened.schema_arrow.names
        _check_columns(columns, file)
        rows: list[Mapping[str, Any]] = opened.read([name for name in COLUMNS if name in columns]).to_pylist()
    return rows


def _check_columns(columns: Iterable[str], file: Path) -> None:
    if "path" not in columns:
        raise BadInput(
            f"{file} has no column named path; its first line names the columns, with commas: {','.join(COLUMNS)}."
        )


def _case(row: Mapping[str, Any], file: Path, number: int) -> Case:
    known = {column: str(row[column]).strip() for column in COLUMNS if row.get(column) is not None}
    where = f"row {number} of {file}"
    path, series, name = known.get("path", ""), known.get("series") or None, known.get("name", "")
    if not path:
        raise BadInput(f"There is no path in {where}; give the file or folder of a CT.")
    if name and not is_safe(name):
        raise BadInput(
            f"The name {name!r} in {where} cannot be that of a folder; take letters, digits, space and . _ + = @ -, "
            f"{MOST_LETTERS} at most."
        )
    # The folders above may tell the patient, so that they are in the name as a digest alone.
    name = name or f"{safe(Path(path).name.partition('.')[0])}-{digest(f'{path} {series}')}"
    sex = known.get("sex", "").lower() or None
    if sex is not None and sex not in SEXES:
        raise BadInput(f"The sex in {where} is {sex!r}; write {' or '.join(SEXES)}, or leave it out.")
    return Case(name, file.parent / path, series, _age(known.get("age", ""), where), sex)  # type: ignore[arg-type]


def _age(text: str, where: str) -> int | None:
    try:
        years = int(float(text)) if text else None
    except (ValueError, OverflowError):
        years = -1
    if years is not None and not 0 <= years <= MOST_YEARS:
        raise BadInput(f"The age in {where} is {text!r}; write it in years, or leave it out.")
    return years
