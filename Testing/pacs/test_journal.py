"""The journal of a watch: what was taken down is there, whoever was killed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.entry import Entry, State
from OpportunisticBMDLib.pacs.journal import FILE, opened_journal, retry

ROOT = Path(__file__).parents[2]
WRITER = """
import itertools, sys
from pathlib import Path
from OpportunisticBMDLib.pacs.entry import Entry
from OpportunisticBMDLib.pacs.journal import opened_journal
with opened_journal(Path(sys.argv[1])) as journal:
    for number in itertools.count():
        journal.put(Entry(f"1.{number}").seen(number), Entry(f"2.{number}").done())
        print(number, flush=True)
"""


def test_what_was_put_is_there_again(tmp_path):
    entries = [
        Entry("1.1").seen(40).seen(40),
        Entry("1.2", tries=2, due_s=1e9, reason="it is slow"),
        Entry("1.3").done(),
        Entry("1.4").set_aside("no CT"),
    ]
    with opened_journal(tmp_path) as journal:
        journal.put(*entries)
    with opened_journal(tmp_path) as journal:
        assert [journal.of(entry.study_uid) for entry in entries] == entries
        assert journal.of("1.5") is None
        assert journal.waiting() == entries[:2] and journal.set_aside() == entries[3:]
        assert journal.counts() == {State.WAITING: 2, State.DONE: 1, State.SET_ASIDE: 1}


def test_a_killed_writer_loses_nothing_that_it_took_down(tmp_path):
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        ) as writer:
            said = [next(writer.stdout) for _ in range(20)]
            writer.kill()
        with opened_journal(tmp_path) as journal:
            counts = journal.counts()
            assert all(journal.of(f"1.{int(number)}") for number in said)
        assert counts[State.WAITING] == counts[State.DONE]  # both of a step or none
        (tmp_path / FILE).unlink()


def test_some_or_all_are_tried_again(tmp_path):
    with opened_journal(tmp_path) as journal:
        journal.put(*(Entry(f"1.{number}").set_aside("no CT") for number in range(4)), Entry("2.0").done())
        assert retry(journal, ["1.2", "1.2"]) == 1 and journal.of("1.2") == Entry("1.2")
        with pytest.raises(BadInput, match=r"Study 2\.0 was not set aside"):
            retry(journal, ["1.1", "2.0"])
        assert journal.counts()[State.SET_ASIDE] == 3
        assert retry(journal, []) == 3 and retry(journal, []) == 0


def test_a_newer_journal_is_left_alone(tmp_path):
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("PRAGMA user_version = 9")
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(BadInput, match="its version is 9"), opened_journal(tmp_path):
        pass
    assert (tmp_path / FILE).read_bytes() == before


def test_nothing_in_it_says_who_the_patient_is(tmp_path):
    with opened_journal(tmp_path):
        pass
    with sqlite3.connect(tmp_path / FILE) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(study)")]
    assert columns == ["study_uid", "state", "instances", "is_complete", "tries", "due_s", "reason", "changed_s"]
