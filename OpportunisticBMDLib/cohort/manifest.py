"""The truth of a cohort: a row for each CT that is done, in Parquet files that are written once and never changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
from pyarrow import compute, parquet

from OpportunisticBMDLib.cohort.row import FAILED, KINDS, Row
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.files import replacing

ARROW_KINDS = {
    str: pa.string(),
    str | None: pa.string(),
    float: pa.float64(),
    float | None: pa.float64(),
    int | None: pa.int64(),
    tuple[str, ...]: pa.list_(pa.string()),
}
SCHEMA = pa.schema([(name, ARROW_KINDS[kind]) for name, kind in KINDS.items()])


class Manifest:
    """The rows of a cohort.

    Args:
        folder: of its parts; programs that read Parquet take it for one table.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def parts(self) -> list[Path]:
        """In the order in which they were written."""
        return sorted(self._folder.glob("part-*.parquet"))

    def table(self) -> pa.Table:
        """All rows.

        Raises:
            BadInput: a part is damaged.
        """
        return pa.concat_tables([SCHEMA.empty_table(), *map(_read, self.parts)])

    def names(self) -> set[str]:
        """Of the CTs that are done.

        Raises:
            BadInput: a part is damaged.
        """
        return set(self.table()["name"].to_pylist())

    def rows_in(self, parts: Sequence[Path]) -> int:
        """How many rows some parts have."""
        return sum(parquet.read_metadata(part).num_rows for part in parts)

    def append(self, rows: Sequence[Row]) -> None:
        """Adds rows as one part, all of them or none."""
        last = self.parts[-1:]
        number = int(last[0].stem.rpartition("-")[2]) + 1 if last else 1
        _write(self._folder / f"part-{number:06}.parquet", to_table(rows))

    def forget_failed(self, known: Collection[str]) -> list[str]:
        """Takes out the rows of those CTs that failed, so that they are measured again; their names."""
        names: list[str] = []
        wanted = pa.array(known, pa.string())
        for part in self.parts:
            table = _read(part)
            failed = compute.and_(compute.equal(table["status"], FAILED), compute.is_in(table["name"], wanted))
            names += table.filter(failed)["name"].to_pylist()
            if compute.any(failed).as_py():
                _write(part, table.filter(compute.invert(failed)))
        return names


def to_table(rows: Sequence[Row]) -> pa.Table:
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=SCHEMA)


def _read(part: Path) -> pa.Table:
    try:
        with parquet.ParquetFile(part) as opened:
            return opened.read().select(SCHEMA.names).cast(SCHEMA)
    except (OSError, KeyError, pa.ArrowException) as error:  # a key: a column that an older version did not have
        raise BadInput(
            f"{part} is damaged, or of another version ({str(error).splitlines()[0]}); remove it: its rows are taken "
            "anew from the results."
        ) from error


def _write(part: Path, table: pa.Table) -> None:
    with replacing(part) as path:
        parquet.write_table(table, path)
