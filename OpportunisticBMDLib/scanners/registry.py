"""Where lines of scanners are kept: one SQLite file of the user's, a row for each scan of a phantom."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.calibration.phantom_line import PhantomLine
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results.json_entries import Entries
from OpportunisticBMDLib.results.line_file import measured_of, parts_of
from OpportunisticBMDLib.scanners.choose import line_among
from OpportunisticBMDLib.scanners.measurement import Measurement
from OpportunisticBMDLib.system.user_data import user_data_folder

FILE_VARIABLE = "OPPORTUNISTIC_BMD_SCANNERS"
FILE = "scanners.sqlite"
VERSION = 1
MOST_NUMBER = 2**63 - 1  # that SQLite holds
WAIT_S = 20.0  # for another program that writes
# Part and key of a line's JSON entries -> the kind of its column, named part_key.
COLUMNS = {
    ("scan", "scanner"): "TEXT",
    ("scan", "scanner_id"): "TEXT",
    ("scan", "kvp"): "REAL",
    ("scan", "kernel"): "TEXT",
    ("scan", "date"): "TEXT",
    ("scan", "slice_thickness_mm"): "REAL",
    ("scan", "image_kind"): "TEXT NOT NULL",
    ("scan", "energy_kev"): "REAL",
    ("scan", "spectrum"): "TEXT",
    ("phantom", "name"): "TEXT NOT NULL",
    ("phantom", "material"): "TEXT NOT NULL",
    ("line", "name"): "TEXT NOT NULL",
    ("line", "material"): "TEXT NOT NULL",
    ("line", "slope_hu_per_mg_cm3"): "REAL NOT NULL",
    ("line", "intercept_hu"): "REAL NOT NULL",
    ("line", "slope_sd_percent"): "REAL NOT NULL",
    ("line", "intercept_sd_hu"): "REAL NOT NULL",
    ("line", "source"): "TEXT NOT NULL",
}
NAMES = tuple(f"{part}_{key}" for part, key in COLUMNS)
ALL = ", ".join(("key", *NAMES, "inserts"))
CREATE = (
    "CREATE TABLE measurement (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, "
    f"{', '.join(f'{name} {kind}' for name, kind in zip(NAMES, COLUMNS.values()))}, inserts TEXT NOT NULL)"
)
FORGET = "DELETE FROM measurement WHERE number = ?"
INSERT = f"INSERT INTO measurement ({ALL}) VALUES ({', '.join('?' * (len(NAMES) + 2))})"


def registry_path() -> Path:
    """The file that the environment names, else the one in the user's data folder; it need not be there yet."""
    named = os.environ.get(FILE_VARIABLE)
    return Path(os.path.expanduser(named)) if named else user_data_folder() / FILE


@dataclass(frozen=True)
class ScannerRegistry:
    """The lines in a file. Nothing is kept open or in mind: several programs may use it at once.

    Every method raises BadInput where the file is damaged, of a newer version, or cannot be opened or written.
    """

    path: Path

    @classmethod
    def of_user(cls) -> ScannerRegistry:
        return cls(registry_path())

    def line_for(self, scan: Acquisition) -> Calibration | None:
        """As `KnownScanners` has it."""
        return line_among(self.all(), scan)

    def all(self) -> list[Measurement]:
        """In the order in which they came."""
        if not self.path.exists():
            return []
        # What a killed program left half written is taken back by the next one that may write, also by a reader.
        with self._opened("rw" if os.access(self.path, os.W_OK) else "ro") as connection:
            if not _is_made(connection):
                return []
            rows = connection.execute(f"SELECT number, {ALL} FROM measurement ORDER BY number").fetchall()
            return [Measurement(row["number"], measured_of(Entries(_parts(row), ""))) for row in rows]

    def enter(self, measured: PhantomLine) -> bool:
        """Keeps a line; False where one of the same scan was there, whose place it takes."""
        with self._writing() as connection:
            known = connection.execute("DELETE FROM measurement WHERE key = ?", (measured.key,)).rowcount
            connection.execute(INSERT, _row(measured))
        return not known

    def take(self, measured: Iterable[PhantomLine]) -> int:
        """Keeps those whose scans are not known yet, all of them or none; how many these are."""
        with self._writing() as connection:
            known = {row["key"] for row in connection.execute("SELECT key FROM measurement")}
            new = {one.key: one for one in measured if one.key not in known}
            connection.executemany(INSERT, map(_row, new.values()))
        return len(new)

    def forget(self, numbers: Iterable[int]) -> None:
        """Removes lines, all of them or none.

        Raises:
            BadInput: also where there is no such number.
        """
        with self._writing() as connection:
            for number in numbers:
                found = number <= MOST_NUMBER and connection.execute(FORGET, (number,)).rowcount
                if not found:
                    raise BadInput(f"There is no line {number} in {self.path}: see the numbers with scanners list.")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One step for other programs, and nothing at all where it fails."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._opened("rwc") as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not _is_made(connection):
                    connection.execute(CREATE)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def _opened(self, mode: str) -> Iterator[sqlite3.Connection]:
        where = f"{self.path.absolute().as_uri()}?mode={mode}"
        try:
            with closing(sqlite3.connect(where, uri=True, timeout=WAIT_S, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                yield connection
        except sqlite3.OperationalError as error:  # locked, no space, no permission
            raise BadInput(
                f"The registry of scanners {self.path} cannot be used now ({error}): try again, and see that it may be "
                "read and written."
            ) from error
        except (sqlite3.Error, ValueError, RecursionError) as error:
            raise BadInput(
                f"{self.path} holds no registry of scanners that can be read ({error}): move it away, then import an "
                "export, or measure the phantoms again."
            ) from error


def _is_made(connection: sqlite3.Connection) -> bool:
    """Whether there is a registry in the file; not in an empty one.

    Raises:
        ValueError: it is of a newer version, or of something else.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    is_empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version == 0 and is_empty:
        return False
    if version != VERSION:
        raise ValueError(f"its version is {version}, not {VERSION}")
    return True


def _row(measured: PhantomLine) -> tuple[Any, ...]:
    parts = parts_of(measured)
    return (parts["key"], *(parts[part][key] for part, key in COLUMNS), json.dumps(parts["inserts"]))


def _parts(row: sqlite3.Row) -> Mapping[str, Any]:
    """As `parts_of` gives them."""
    parts: dict[str, Any] = {"key": row["key"], "inserts": json.loads(row["inserts"])}
    for (part, key), name in zip(COLUMNS, NAMES):
        parts.setdefault(part, {})[key] = row[name]
    return parts
