"""Archives that refuse, send half, or fall silent: one sentence, and nothing half-written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.archive import ArchiveError, Connection
from OpportunisticBMDLib.pacs.connect import connect
from OpportunisticBMDLib.pacs.dimse import listening
from OpportunisticBMDLib.pacs.fetch import fetch_into
from OpportunisticBMDLib.pacs.inbox import Inbox
from orthanc import Orthanc
from pacs.conftest import Written, connected, uid
from pacs.faulty import IS_SILENT, REFUSES, SENDS_HALF, SENDS_HALF_UNSAID, FaultyDimse, FaultyWeb

Faulty = tuple[FaultyWeb | FaultyDimse, str]


@pytest.fixture
def sent(tmp_path: Path, tiny: Written) -> Path:
    tiny(tmp_path / "sent", 1)
    return tmp_path / "sent"


@pytest.fixture(params=["DICOMweb", "DIMSE"])
def faulty(request: pytest.FixtureRequest, tmp_path: Path, sent: Path) -> Iterator[Faulty]:
    """An archive that holds what was sent, and its address."""
    if request.param == "DIMSE":
        with FaultyDimse(sent) as archive:
            yield archive, archive.dimse
        return
    with Orthanc(tmp_path / "orthanc") as orthanc, FaultyWeb(orthanc.url) as proxy:
        orthanc.take(sent)
        yield proxy, proxy.web


@pytest.mark.parametrize(
    ("fault", "why"),
    [(SENDS_HALF, r"did not send all|broke off"), (SENDS_HALF_UNSAID, "7 of 14 objects did not arrive")],
)
def test_a_series_arrives_whole_or_not_at_all(faulty, tmp_path, fault, why):
    archive, address = faulty
    asked = connect(address, Connection(timeout_s=20.0))
    series = asked.series(uid(1))
    archive.fault = fault
    with pytest.raises(ArchiveError, match=why):
        fetch_into(tmp_path / "fetched", asked, series)
    assert not (tmp_path / "fetched").exists() and not list(tmp_path.glob(".fetch-*"))


def test_a_refused_store_says_status_and_reason(faulty, sent):
    archive, address = faulty
    archive.fault = REFUSES
    with pytest.raises(ArchiveError, match=r"refused slice\d+.dcm \(status A700: .*[Oo]ut of [Rr]esources"):
        connect(address, Connection()).send(sorted(sent.rglob("*.dcm")))


def test_a_silent_archive_is_not_waited_for_for_ever(faulty):
    archive, address = faulty
    archive.fault = IS_SILENT
    with pytest.raises(ArchiveError, match=r"did not answer within 0.5 s.*--timeout"):
        connect(address, Connection(timeout_s=0.5)).series(uid(1))


def test_an_archive_without_c_get_can_send_by_c_move(tmp_path, sent):
    with FaultyDimse(sent, gets=False) as archive:
        asked = connect(archive.dimse, Connection())
        with pytest.raises(ArchiveError, match=r"offers no C-GET.*--listen PORT"):
            fetch_into(tmp_path / "fetched", asked, asked.series(uid(1)))
    assert not (tmp_path / "fetched").exists()


def test_objects_that_nobody_asked_for_are_not_taken(tmp_path, orthanc, tiny):
    """A listening program could be sent anything by anybody."""
    tiny(tmp_path / "sent", 1)
    other = sorted((tmp_path / "sent").rglob("*.dcm"))
    inbox = Inbox(tmp_path, [])
    with listening("OBMD", orthanc.our_port, inbox):
        with pytest.raises(ArchiveError, match="status A900"):
            connect(f"dimse://OBMD@127.0.0.1:{orthanc.our_port}", Connection()).send(other)
        with pytest.raises(ArchiveError, match="rejects"):
            connect(f"dimse://OTHER@127.0.0.1:{orthanc.our_port}", Connection()).send(other)
    assert not list(tmp_path.glob("*.dcm"))


@pytest.mark.parametrize("way", ["DICOMweb", "C-GET"])
def test_a_full_disk_is_told_as_such(orthanc, tmp_path, sent, monkeypatch, way):
    orthanc.take(sent)
    archive = connected(orthanc, way)
    series = archive.series(uid(1))

    def full(self: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BadInput, match="cannot be written: No space left"):
        fetch_into(tmp_path / "fetched", archive, series)


def test_a_title_that_is_not_registered_is_pointed_at(orthanc):
    """This archive accepts the association, and breaks off at the first question."""
    with pytest.raises(ArchiveError, match="knows the title OTHER"):
        connect(orthanc.dimse, Connection(own_title="OTHER")).series(uid(1))


def test_an_archive_that_cannot_send_to_this_title_says_so(tmp_path, sent):
    with Orthanc(tmp_path / "orthanc", DicomAlwaysAllowFind=True, DicomAlwaysAllowMove=True) as orthanc:
        orthanc.take(sent)
        archive = connect(orthanc.dimse, Connection(own_title="OTHER", listen_port=orthanc.our_port))
        with pytest.raises(ArchiveError, match=r"did not send all \(status [A-C]"):
            fetch_into(tmp_path / "fetched", archive, archive.series(uid(1)))
