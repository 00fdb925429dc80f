"""Archives that refuse, send half, or fall silent: one sentence, and nothing half-written."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.archive import ArchiveError, Connection
from OpportunisticBMDLib.pacs.connect import connect
from OpportunisticBMDLib.pacs.dimse import listening
from OpportunisticBMDLib.pacs.fetch import fetch_into
from OpportunisticBMDLib.pacs.found import Asked
from OpportunisticBMDLib.pacs.inbox import Inbox
from orthanc import Orthanc
from pacs.conftest import Written, connected, uid
from pacs.faulty import (
    BREAKS_OFF,
    IS_SILENT,
    REFUSES,
    SENDS_HALF,
    SENDS_HALF_UNSAID,
    FaultyDimse,
    FaultyWeb,
    WrongWeb,
)

HTML, JSON = "text/html", "application/dicom+json"
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


@pytest.mark.parametrize(
    ("status", "kind", "content"),
    [(200, HTML, b"<html>Log in, please</html>"), (200, "", b""), (204, "", b""), (200, JSON, b"{}")],
)
def test_what_the_archive_does_not_say_it_has_is_not_taken_for_stored(sent, status, kind, content):
    """A watch would remove the results."""
    with WrongWeb(status, kind, content) as wrong, pytest.raises(ArchiveError, match="neither that it was stored"):
        connect(wrong.web, Connection()).send(sorted(sent.rglob("*.dcm")))


def test_a_refusal_is_understood_however_its_kind_is_written(sent):
    failed = {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [0xA700]}}]}}
    wrong = WrongWeb(202, f"{JSON}; charset=utf-8", json.dumps(failed).encode())
    with wrong, pytest.raises(ArchiveError, match="status A700"):
        connect(wrong.web, Connection()).send(sorted(sent.rglob("*.dcm")))


@pytest.mark.parametrize("status", [302, 307, 308])
def test_an_archive_that_points_elsewhere_is_not_followed(sent, monkeypatch, status):
    monkeypatch.setenv("OBMD_PACS_TOKEN", "s3cret")
    with WrongWeb(200, JSON, b"[]") as elsewhere, WrongWeb(status, Location=elsewhere.web) as archive:
        asked = connect(archive.web, Connection())
        for ask in (lambda: asked.series(uid(1)), lambda: asked.send(sorted(sent.rglob("*.dcm")))):
            with pytest.raises(ArchiveError, match="points to another address"):
                ask()
    assert [method for method, _, _ in archive.heard] == ["GET", "POST"] and elsewhere.heard == []


@pytest.mark.parametrize(
    "content",
    [
        b"<html></html>",
        b"[" * 100_000,
        b"null",
        b"[null]",
        b'["00080061"]',
        b'[{"0020000D": 1}]',
        b'[{"0020000E": {"vr": "UI", "Value": "\xff"}}]',
    ],
)
def test_answers_that_are_none_are_told_in_a_sentence(content):
    with WrongWeb(200, JSON, content) as wrong:
        archive = connect(wrong.web, Connection())
        for ask in (lambda: archive.studies(Asked()), lambda: archive.series(uid(1))):
            with pytest.raises(ArchiveError, match=r"otherwise than DICOMweb|cannot be reached"):
                ask()


def test_what_is_wrong_in_an_answer_is_as_if_it_was_not_there():
    def answer(**elements: tuple[str, object]) -> bytes:
        known = {"0020000D": ("UI", uid(1)), "0020000E": ("UI", uid(2))}
        stated = {**known, **{tag.strip("_"): stated for tag, stated in elements.items()}}
        return json.dumps([{tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in stated.items()}]).encode()

    with WrongWeb(200, JSON, answer(_00080061=("US", 5))) as wrong:
        assert connect(wrong.web, Connection()).studies(Asked()) == []
    with WrongWeb(200, JSON, answer(_0020000D=("UI", "../../etc"))) as wrong:
        assert connect(wrong.web, Connection()).studies(Asked()) == []
    for count in ("9" * 5000, "9" * 20):
        with WrongWeb(200, JSON, answer(_00201209=("LO", count), _00080018=("UI", uid(3)))) as wrong:
            (series,) = connect(wrong.web, Connection()).series(uid(1))
            assert series.instances == 1


def test_what_an_archive_says_beside_its_status_is_not_repeated(capfd):
    said = b"No rights to see Mustermann^Erika"
    with WrongWeb(500, "text/plain", said) as wrong, pytest.raises(ArchiveError) as told:
        connect(wrong.web, Connection()).studies(Asked(patient_id="PID-1"))
    assert "HTTP 500" in str(told.value) and not any(word in str(told.value) for word in ("Mustermann", "PID-1"))
    assert told.value.__cause__ is None and not "".join(capfd.readouterr())


@pytest.mark.parametrize("status", [0x0111, 0xB000, 0xB007, 0xB123])
def test_an_object_that_is_there_since_before_or_with_changes_is_stored(sent, status):
    with FaultyDimse(sent) as archive:
        archive.status = status
        connect(archive.dimse, Connection()).send(sorted(sent.rglob("*.dcm")))
    assert len(archive.stored) == 14


def test_an_archive_that_breaks_off_between_two_objects(sent):
    with FaultyDimse(sent) as archive:
        archive.fault = BREAKS_OFF
        with pytest.raises(ArchiveError, match="broke off"):
            connect(archive.dimse, Connection(timeout_s=5.0)).send(sorted(sent.rglob("*.dcm")))
    assert len(archive.stored) == 1


def test_a_port_that_is_taken_is_told(orthanc, tmp_path, sent):
    orthanc.take(sent)
    archive = connect(orthanc.dimse, Connection(listen_port=orthanc.http_port))
    with pytest.raises(BadInput, match=f"at port {orthanc.http_port} .*choose another"):
        fetch_into(tmp_path / "fetched", archive, archive.series(uid(1)))
    assert not (tmp_path / "fetched").exists()
