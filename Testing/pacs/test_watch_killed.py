"""Archive and watch killed in the middle of twenty studies: twenty are measured and back, and none twice."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pydicom
import pytest

from OpportunisticBMDLib.pacs.archive import Archive
from OpportunisticBMDLib.pacs.fetch import fetch_into
from OpportunisticBMDLib.pacs.journal import FILE, LOCK
from orthanc import Orthanc
from pacs.conftest import connected

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]

ROOT = Path(__file__).parents[2]
STUDIES = 20
# At which step of a study something is killed, in turn; the archive too at every other one.
STEPS = ("fetch", "read", "segment", "write", "send", "wait", "send", "fetch")
PATIENCE = ["--every", "0.5", "--pause", "0.2", "--timeout", "20"]


class Watching:
    """The program in a process of its own."""

    def __init__(self, address: str, directory: Path, *options: str) -> None:
        command = [sys.executable, "-m", "OpportunisticBMDLib", "pacs", "watch", address, "-o", str(directory)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        self.process = subprocess.Popen(
            [*command, *PATIENCE, "--since", "2026-01-01", "--progress", "json", *options],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def heard(self, step: str) -> None:
        """Waits until it has begun a step."""
        said = list(itertools.takewhile(lambda line: f'"{step}"' not in line, self.process.stderr))
        assert self.process.poll() is None, said

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def finish(self) -> None:
        said = self.process.communicate()[1]
        assert self.process.returncode == 0, said


def reports(archive: Archive, studies: list[str], folder: Path) -> dict[str, list[pydicom.Dataset]]:
    """This program's reports, by study."""
    found = {}
    for study in studies:
        series = [s for s in archive.series(study) if s.modality == "SR"]
        fetch_into(folder / study, archive, series)
        found[study] = [pydicom.dcmread(path) for path in (folder / study).rglob("*.dcm")]
    return found


@pytest.mark.parametrize("way", ["DICOMweb", "DIMSE"])
def test_twenty_studies(tmp_path, trunk, tiny, way):
    rng, directory = random.Random(way), tmp_path / "watch"
    studies = [(tiny if number % 5 == 0 else trunk)(tmp_path / "sent", number) for number in range(STUDIES)]
    with Orthanc(tmp_path / "orthanc") as orthanc:
        address = orthanc.web if way == "DICOMweb" else orthanc.dimse
        folders = sorted((tmp_path / "sent").iterdir())
        for folder in folders[: STUDIES // 2]:
            orthanc.take(folder)
        for turn, step in enumerate(STEPS):
            watching = Watching(address, directory)
            watching.heard(step)
            time.sleep(rng.uniform(0, 0.3))  # any moment of the step
            if turn % 2:
                orthanc.kill()
                watching.heard("wait")  # it has met a dead archive and goes on
                orthanc.start()
            watching.kill()
            for folder in folders[STUDIES // 2 + turn : STUDIES // 2 + turn + 1]:
                orthanc.take(folder)
        for folder in folders[STUDIES // 2 + len(STEPS) :]:
            orthanc.take(folder)
        Watching(address, directory, "--once").finish()

        archive = connected(orthanc, "DICOMweb" if way == "DICOMweb" else "C-GET")
        modalities = {
            study: sorted(s.modality for s in archive.series(study) if s.modality != "CT") for study in studies
        }
        told = reports(archive, studies, tmp_path / "reports")
    assert {study: len(held) for study, held in told.items()} == dict.fromkeys(studies, 1)
    expected = {uid: ["DOC", "OT", "SR"] if n % 5 == 0 else ["DOC", "OT", "SEG", "SR"] for n, uid in enumerate(studies)}
    assert modalities == expected
    assert all(held[0].PatientID == f"PID-{n}" for n, held in enumerate(told.values()))
    assert {path.name for path in directory.iterdir()} == {FILE, LOCK}
