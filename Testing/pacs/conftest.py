"""Archives, and studies that are small and yet measured as any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dicom_files import write_volume
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.measuring import Setup
from OpportunisticBMDLib.pacs.archive import Archive, Connection
from OpportunisticBMDLib.pacs.connect import connect
from OpportunisticBMDLib.pipeline import Pipeline
from orthanc import Orthanc

SPACING_MM = (2.5, 2.5, 5.0)
TINY = (24, 20, 14)  # voxels: refused at once, as no trunk
WAYS = ["DICOMweb", "C-GET", "C-MOVE"]

Written = Callable[..., str]


def uid(number: int) -> str:
    """Of a study."""
    return f"1.2.826.0.1.3680043.8.498.77.{number}"


def _write(folder: Path, number: int, volume: Volume, series: int = 1, **attributes: object) -> str:
    study = uid(number)
    identifiers = {
        "StudyInstanceUID": study,
        "SeriesInstanceUID": f"{study}.{series}",
        "FrameOfReferenceUID": f"{study}.0",
        "SOPInstanceUID": lambda k: f"{study}.{series}.{k + 1}",
        "StudyDate": "20260512",
        "StudyTime": "101112",
        "StudyID": str(number),
        "PatientID": f"PID-{number}",
        "PatientName": f"Mustermann^Erika{number}",
        "PatientSex": "F",
    }
    write_volume(folder / f"{number}-{series}", volume, **{**identifiers, **attributes})
    return study


@pytest.fixture
def tiny() -> Written:
    """Writes `tiny(folder, number, series=1, slices=14, **attributes)`, a study that is refused; gives its UID."""

    def write(folder: Path, number: int, series: int = 1, slices: int = TINY[2], **attributes: object) -> str:
        size = (*TINY[:2], slices)
        hu = np.random.default_rng(number).integers(-100, 200, size, np.int16)
        return _write(folder, number, Volume(hu, Grid(size, np.diag([5.0, 5.0, 5.0, 1.0]))), series, **attributes)

    return write


@pytest.fixture(scope="session")
def _trunk() -> Volume:
    from OpportunisticBMDTraining.virtual.patient import virtual_patient

    ct = virtual_patient(1).ct
    size = tuple(int(n * mm / to) for n, mm, to in zip(ct.grid.size, ct.grid.spacing, SPACING_MM))
    affine = ct.grid.affine.copy()
    affine[:3, :3] *= np.array(SPACING_MM) / ct.grid.spacing
    return ct.resampled(Grid(size, affine))


@pytest.fixture
def trunk(_trunk: Volume) -> Written:
    """Writes `trunk(folder, number, **attributes)`, a study of the virtual patient, which is measured."""

    def write(folder: Path, number: int, **attributes: object) -> str:
        noisy = _trunk.array + np.random.default_rng(number).normal(0, 10, _trunk.grid.size)
        volume = Volume(np.maximum(noisy, -1024).astype(np.int16), _trunk.grid)
        return _write(folder, number, volume, **attributes)

    return write


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    return Setup().pipeline()


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    with Orthanc(tmp_path / "orthanc") as running:
        yield running


def connected(orthanc: Orthanc, way: str) -> Archive:
    """As the program reaches it in one of `WAYS`."""
    address = orthanc.web if way == "DICOMweb" else orthanc.dimse
    return connect(address, Connection(listen_port=orthanc.our_port if way == "C-MOVE" else None, timeout_s=20.0))
