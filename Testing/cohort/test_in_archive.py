"""The studies of a real archive as a cohort: fetched by the process that measures, and asked for again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("dicomweb_client", reason="archives need the extra pacs")

from cohort.made_cohort import patient
from dicom_files import write_volume
from OpportunisticBMDLib.cohort import in_archive
from OpportunisticBMDLib.cohort.case import Study
from OpportunisticBMDLib.cohort.in_archive import cases_archived, is_archive
from OpportunisticBMDLib.cohort.measurer import Measurer, Way
from OpportunisticBMDLib.cohort.sources import cases_of
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.measuring import Setup
from orthanc import Orthanc

UIDS = ("1.2.3.10", "1.2.3.11")  # of studies


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Orthanc]:
    """With a study that shows a spine, and one that does not."""
    whole = patient(1)
    low = Grid((*whole.grid.size[:2], 14), whole.grid.affine)
    for uid, grid in zip(UIDS, (whole.grid, low)):
        identifiers = {"StudyInstanceUID": uid, "SeriesInstanceUID": f"{uid}.1", "PatientName": "Mustermann^Erika"}
        hu = np.maximum(whole.array[:, :, : grid.size[2]], -1024)
        write_volume(tmp_path / "sent" / uid, Volume(hu, grid), **identifiers, PatientSex="F")
    with Orthanc(tmp_path / "orthanc") as orthanc:
        orthanc.take(tmp_path / "sent")
        yield orthanc


@pytest.mark.slow
def test_studies_are_fetched_measured_and_gone_again(archive: Orthanc, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    cases = sorted(cases_of(archive.web), key=lambda case: case.name)
    assert [case.name for case in cases] == list(UIDS) and cases[0].source == Study(archive.web, "1.2.3.10")
    measurer = Measurer(Way(Setup(device="cpu", engine="torch", uses_registry=False)))
    first, second = (measurer.measure(case, tmp_path / "out" / case.name) for case in cases)
    assert first.bmd_mg_cm3 is not None and first.sex == "female" and second.status == "refused"
    assert (tmp_path / "out" / "1.2.3.10" / "report.html").is_file()
    assert not list((tmp_path / "temporary").glob(".fetch-*"))


@pytest.mark.slow
def test_an_archive_that_was_away_is_asked_again(archive: Orthanc, tmp_path: Path, monkeypatch):
    case = cases_archived(archive.web)[0]
    archive.kill()
    monkeypatch.setattr(in_archive, "time", SimpleNamespace(sleep=lambda _: archive.start()))
    with in_archive.arrived(case.source) as folder:
        assert list(folder.rglob("*.dcm"))
    archive.kill()
    monkeypatch.setattr(in_archive, "time", SimpleNamespace(sleep=lambda _: None))
    with pytest.raises(BadInput), in_archive.arrived(case.source):
        pass


def test_addresses_are_told_from_folders():
    assert is_archive("https://pacs/dicom-web") and is_archive("dimse://PACS@host:104")
    assert not is_archive("/data/cts") and not is_archive("cts.csv")


def test_an_address_with_a_password_is_refused():
    with pytest.raises(BadInput, match="password"):
        cases_of("https://me:secret@pacs/dicom-web")
