"""Find, fetch and send, at a real archive, by each protocol."""

from __future__ import annotations

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import RLELossless

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs import web
from OpportunisticBMDLib.pacs.archive import Archive, ArchiveError, Connection
from OpportunisticBMDLib.pacs.connect import connect
from OpportunisticBMDLib.pacs.fetch import fetch_into
from OpportunisticBMDLib.pacs.found import Asked
from orthanc import TITLE, Orthanc
from pacs.conftest import WAYS, connected, uid
from pacs.faulty import FaultyWeb


@pytest.fixture(params=WAYS)
def archive(orthanc: Orthanc, request: pytest.FixtureRequest) -> Archive:
    return connected(orthanc, request.param)


def objects(folder: Path) -> dict[str, pydicom.Dataset]:
    read = [pydicom.dcmread(path) for path in folder.rglob("*.dcm")]
    return {str(data.SOPInstanceUID): data for data in read}


def test_studies_are_found_by_day_patient_and_uid(orthanc, archive, tmp_path, tiny):
    for number, day in ((1, "20260301"), (2, "20260512")):
        tiny(tmp_path / "sent", number, StudyDate=day)
    tiny(tmp_path / "sent", 3, Modality="MR")
    orthanc.take(tmp_path / "sent")

    def found(**asked: object) -> list[str]:
        return sorted(study.uid for study in archive.studies(Asked(**asked)))

    assert found() == [uid(1), uid(2)]
    assert found(since=date(2026, 5, 1)) == [uid(2)] and found(until=date(2026, 4, 1)) == [uid(1)]
    assert found(patient_id="PID-1") == [uid(1)] and found(patient_id="PID-1", since=date(2026, 5, 1)) == []
    assert found(study_uid=uid(2)) == [uid(2)]
    (study,) = archive.studies(Asked(study_uid=uid(2)))
    assert study.date == "20260512"


def test_series_and_instances_are_counted(orthanc, archive, tmp_path, tiny):
    study = tiny(tmp_path / "a", 1, SeriesDescription="Abdomen")
    tiny(tmp_path / "b", 1, series=2, slices=3)
    orthanc.take(tmp_path)
    one, two = sorted(archive.series(study), key=lambda series: series.uid)
    assert (one.instances, two.instances, one.modality, one.description) == (14, 3, "CT", "Abdomen")
    assert {instance.uid for instance in archive.instances(two)} == {f"{two.uid}.{n}" for n in (1, 2, 3)}
    assert archive.series(uid(9)) == []


@pytest.mark.parametrize("compress", [None, RLELossless])
def test_what_is_fetched_is_what_was_sent(orthanc, archive, tmp_path, tiny, compress):
    study = tiny(tmp_path / "sent", 1, compress=compress)
    orthanc.take(tmp_path / "sent")
    fetch_into(tmp_path / "fetched", archive, archive.series(study))
    sent, fetched = objects(tmp_path / "sent"), objects(tmp_path / "fetched")
    assert len(sent) == 14 and fetched == sent
    syntaxes = {data.file_meta.TransferSyntaxUID for data in fetched.values()}
    assert syntaxes == {data.file_meta.TransferSyntaxUID for data in sent.values()}


def test_what_is_sent_is_there_once_however_often(orthanc, archive, tmp_path, tiny):
    study = tiny(tmp_path / "sent", 1)
    files = sorted((tmp_path / "sent").rglob("*.dcm"))
    archive.send(files[:5])
    archive.send(files)
    (series,) = archive.series(study)
    assert series.instances == len(orthanc.ask("/instances")) == len(files)
    fetch_into(tmp_path / "fetched", archive, [series])
    assert objects(tmp_path / "fetched") == objects(tmp_path / "sent")


def test_a_folder_that_is_there_is_not_touched(archive, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(BadInput, match="is there already"):
        fetch_into(tmp_path / "there", archive, [])


def test_an_archive_that_is_gone_is_told_in_a_sentence(orthanc, archive, tmp_path, tiny):
    study = tiny(tmp_path / "sent", 1)
    orthanc.take(tmp_path / "sent")
    series = archive.series(study)
    orthanc.kill()
    for ask in (
        lambda: archive.series(study),
        lambda: archive.send(sorted((tmp_path / "sent").rglob("*.dcm"))),
        lambda: fetch_into(tmp_path / "fetched", archive, series),
    ):
        with pytest.raises(ArchiveError, match="cannot be reached"):
            ask()
    assert {path.name for path in tmp_path.iterdir()} == {"orthanc", "sent"}


def test_long_lists_come_in_pages(orthanc, tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(web, "PAGE", 4)
    study = tiny(tmp_path, 1)
    orthanc.take(tmp_path)
    archive = connected(orthanc, "DICOMweb")
    (series,) = archive.series(study)
    assert len(archive.instances(series)) == 14


def test_a_title_that_the_archive_does_not_know_is_rejected(tmp_path):
    with Orthanc(tmp_path / "orthanc", DicomCheckCalledAet=True) as orthanc:
        archive = connect(orthanc.dimse.replace(TITLE, "OTHER"), Connection())
        with pytest.raises(ArchiveError, match=r"rejects OBMD.*--aet"):
            archive.series(uid(1))


def test_a_certificate_that_nobody_vouches_for_is_refused(orthanc, tmp_path):
    certificate = self_signed(tmp_path)
    with FaultyWeb(orthanc.url, certificate) as proxy:
        with pytest.raises(ArchiveError, match="--ca FILE"):
            connect(proxy.web, Connection()).series(uid(1))
        assert connect(proxy.web, Connection(authorities=certificate)).series(uid(1)) == []


def test_a_certificate_that_the_system_vouches_for_is_trusted(orthanc, tmp_path, monkeypatch):
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with FaultyWeb(orthanc.url, certificate) as proxy:
        assert connect(proxy.web, Connection()).series(uid(1)) == []


@pytest.mark.parametrize("address", ["https://pacs.example/rs", "dimse-tls://A@pacs.example:2762"])
@pytest.mark.parametrize("which", ["authorities", "certificate"])
def test_a_file_that_holds_no_certificate_is_told_as_such(tmp_path, address, which):
    (tmp_path / "file").write_text("no PEM")
    with pytest.raises(BadInput, match="certificates cannot be read"):
        connect(address, Connection(**{which: tmp_path / "file"}))


def test_dimse_by_tls(tmp_path):
    certificate = self_signed(tmp_path)
    files = ("DicomTlsCertificate", "DicomTlsPrivateKey", "DicomTlsTrustedCertificates")
    settings = {"DicomTlsEnabled": True, **dict.fromkeys(files, str(certificate))}
    with Orthanc(tmp_path / "orthanc", **settings) as orthanc:
        address = orthanc.dimse.replace("dimse:", "dimse-tls:")
        archive = connect(address, Connection(authorities=certificate, certificate=certificate))
        assert archive.series(uid(1)) == []
        with pytest.raises(ArchiveError, match="TLS"):
            connect(address, Connection()).series(uid(1))
        with pytest.raises(ArchiveError, match="TLS"):
            connect(orthanc.dimse, Connection(timeout_s=2.0)).series(uid(1))


def self_signed(folder: Path) -> Path:
    """A certificate of this machine with its key."""
    openssl = shutil.which("openssl") or pytest.skip("openssl is not installed")
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    asked = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    named = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *asked, *named], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both
