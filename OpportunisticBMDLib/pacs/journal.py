"""The journal of a watch: an SQLite file in its folder with a row for each study, true after every step."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, fields
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.entry import Entry, State
from OpportunisticBMDLib.system.locks import try_lock

FILE, LOCK = "journal.sqlite", "watch.lock"
VERSION = 1
WAIT_S = 20.0  # for another program that writes
NAMES = tuple(entry.name for entry in fields(Entry))
CREATE = (
    "CREATE TABLE IF NOT EXISTS study (study_uid TEXT PRIMARY KEY, state TEXT NOT NULL, instances INTEGER NOT NULL, "
    "is_complete INTEGER NOT NULL, tries INTEGER NOT NULL, due_s REAL NOT NULL, reason TEXT NOT NULL, "
    "changed_s REAL NOT NULL)"
)
PUT = f"INSERT OR REPLACE INTO study ({', '.join(NAMES)}, changed_s) VALUES ({', '.join('?' * (len(NAMES) + 1))})"
SELECT = f"SELECT {', '.join(NAMES)} FROM study"


class Journal:
    """What is known of the studies. Each change is one transaction: a killed program loses none and halves none.

    Get one by `opened_journal`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of(self, study_uid: str) -> Entry | None:
        """What is known of a study; None where nothing is."""
        rows = self._entries(f"{SELECT} WHERE study_uid = ?", study_uid)
        return rows[0] if rows else None

    def waiting(self) -> list[Entry]:
        """In the order in which they last changed."""
        return self._entries(f"{SELECT} WHERE state = ? ORDER BY changed_s", State.WAITING)

    def set_aside(self) -> list[Entry]:
        """In the order in which they were."""
        return self._entries(f"{SELECT} WHERE state = ? ORDER BY changed_s", State.SET_ASIDE)

    def counts(self) -> dict[State, int]:
        """How many studies are in each state."""
        rows = self._connection.execute("SELECT state, count(*) FROM study GROUP BY state").fetchall()
        return dict.fromkeys(State, 0) | {State(state): count for state, count in rows}

    def put(self, *entries: Entry) -> None:
        """Takes down what is known now, all of it or nothing."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(PUT, [(*astuple(entry), time.time()) for entry in entries])

    def _entries(self, query: str, *values: str) -> list[Entry]:
        rows = self._connection.execute(query, values).fetchall()
        return [_entry(row) for row in rows]


@contextmanager
def opened_journal(directory: Path) -> Iterator[Journal]:
    """The journal of a folder, for as long as the block lasts; a new one where there is none.

    Raises:
        BadInput: it cannot be opened, read or written, also within the block.
    """
    path = directory / FILE
    try:
        with closing(sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)) as connection:
            _prepare(connection)
            yield Journal(connection)
    except sqlite3.OperationalError as error:  # locked, no space, no permission
        raise BadInput(
            f"The journal {path} cannot be used now ({error}): try again, and see that it may be written."
        ) from error
    except sqlite3.Error as error:
        raise BadInput(
            f"{path} is no journal of a watch ({error}): move it away; studies whose results the archive holds are "
            "recognised."
        ) from error


@contextmanager
def only_watch(directory: Path) -> Iterator[None]:
    """Makes the folder this process's alone for as long as the block lasts.

    Raises:
        BadInput: another one has it.
    """
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not try_lock(descriptor):
            raise BadInput(f"Another pacs watch is at work in {directory}: end it first, or name another folder.")
        yield
    finally:
        os.close(descriptor)


def check_journal(directory: Path) -> None:
    """Raises BadInput where no watch has ever worked in a folder."""
    if not (directory / FILE).is_file():
        raise BadInput(f"{directory} is no folder of a watch: name the one that pacs watch was given with -o.")


def retry(journal: Journal, study_uids: Sequence[str]) -> int:
    """Lets studies that were set aside be tried again, or all of them where none is named; how many these are.

    Raises:
        BadInput: one that is named was not set aside.
    """
    known = {entry.study_uid: entry for entry in journal.set_aside()}
    for uid in study_uids:
        if uid not in known:
            raise BadInput(f"Study {uid} was not set aside: see those that were with pacs status.")
    chosen = [known[uid] for uid in dict.fromkeys(study_uids or known)]
    journal.put(*(entry.again() for entry in chosen))
    return len(chosen)


def _prepare(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == VERSION:
        return
    if version:
        raise sqlite3.DatabaseError(f"its version is {version}, not {VERSION}")
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(CREATE)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _entry(row: Sequence) -> Entry:
    uid, state, instances, is_complete, tries, due_s, reason = row
    return Entry(uid, State(state), instances, bool(is_complete), tries, due_s, reason)
