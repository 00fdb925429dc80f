"""Compressed slices: decoded on several cores, in order, and nothing is left of the processes that did it."""

# ruff: noqa: E402  pydicom is optional, and what needs it is imported after the check
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="pydicom (the dicom extra) is not installed")

from pydicom.uid import RLELossless

from dicom_files import alter, write_stack
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.reading.series import compressed_pixels, dicom_stack
from OpportunisticBMDLib.reading.series.dicom_header import read_headers
from OpportunisticBMDLib.reading.series.slice_pixels import read_slices

SIZE = (20, 24, 40)
CORES = 3


def tissue() -> np.ndarray:
    random = np.random.default_rng(0)
    array = random.choice([-1000, -100, 50, 180, 900], SIZE, p=[0.2, 0.3, 0.3, 0.15, 0.05])
    return (array + random.integers(-20, 20, SIZE)).astype(np.int16)


@pytest.fixture
def processes(monkeypatch) -> list:
    """Those that were started, on a machine of three cores where each is worth its start."""
    started = []
    start = compressed_pixels.subprocess.Popen

    def spied(*args, **options):
        started.append(start(*args, **options))
        return started[-1]

    monkeypatch.setattr(compressed_pixels.subprocess, "Popen", spied)
    monkeypatch.setattr(compressed_pixels, "usable_cores", lambda: CORES)
    monkeypatch.setattr(compressed_pixels, "_WORTH_A_PROCESS", 1)
    return started


@pytest.fixture
def scratch(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(compressed_pixels.tempfile, "tempdir", str(folder))
    return folder


def are_gone(processes: list, scratch: Path) -> bool:
    return all(process.poll() is not None for process in processes) and not list(scratch.iterdir())


def damage(path: Path) -> None:
    def cut(data):
        data.PixelData = pydicom.encaps.encapsulate([data.PixelData[16:100]])
        data["PixelData"].is_undefined_length = True

    alter(path, cut)


def test_all_cores_decode_and_the_slices_stay_in_order(tmp_path, processes, scratch):
    array = tissue()
    write_stack(tmp_path / "ct", array, compress=RLELossless)
    assert np.array_equal(read_ct(tmp_path / "ct").volume.array, array)
    assert len(processes) == CORES and are_gone(processes, scratch)


def test_few_slices_are_decoded_by_one_process(tmp_path, processes, monkeypatch):
    monkeypatch.setattr(compressed_pixels, "_WORTH_A_PROCESS", SIZE[2] + 1)
    write_stack(tmp_path, tissue(), compress=RLELossless)
    read_ct(tmp_path)
    assert len(processes) == 1


@pytest.mark.parametrize(("first", "second"), [(20, 21), (37, 39)])
def test_of_two_damaged_slices_the_first_is_named(tmp_path, processes, scratch, first, second):
    files = write_stack(tmp_path / "ct", tissue(), compress=RLELossless)
    damage(files[second])
    damage(files[first])
    with pytest.raises(BadInput, match=f"{files[first].name} has pixels that cannot be read"):
        read_ct(tmp_path / "ct")
    assert len(processes) == CORES and are_gone(processes, scratch)


def test_slices_with_and_without_compression_stay_in_order(tmp_path, processes):
    array = tissue()
    for k, (packed, plain) in enumerate(
        zip(
            write_stack(tmp_path / "ct", array, compress=RLELossless, SOPInstanceUID=lambda k: f"1.2.3.{k + 1}"),
            write_stack(tmp_path / "plain", array, SOPInstanceUID=lambda k: f"1.2.3.{k + 1}"),
        )
    ):
        if k % 3:
            plain.replace(packed)
    assert np.array_equal(read_ct(tmp_path / "ct").volume.array, array)


def test_who_stops_reading_leaves_no_process_and_no_file(tmp_path, processes, scratch):
    files = write_stack(tmp_path / "ct", tissue(), compress=RLELossless)
    planes = read_slices([header for file in files for header in read_headers(file)])
    next(planes)
    assert len(processes) == CORES and not are_gone(processes, scratch)
    planes.close()
    assert are_gone(processes, scratch)


def test_ctrl_c_leaves_no_process_and_no_file(tmp_path, processes, scratch, monkeypatch):
    write_stack(tmp_path / "ct", tissue(), compress=RLELossless)
    left = [7]

    def pressed(plane):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return plane

    monkeypatch.setattr(dicom_stack, "from_air", pressed)
    with pytest.raises(KeyboardInterrupt):
        read_ct(tmp_path / "ct")
    assert len(processes) == CORES and are_gone(processes, scratch)


@pytest.mark.parametrize(
    "stored", [{"intercept": -1024.0}, {"intercept": -40000.0, "PixelRepresentation": 0}], ids=["signed", "unsigned"]
)
def test_all_that_sixteen_bits_can_hold_comes_through(tmp_path, stored):
    array = tissue()
    write_stack(tmp_path, array, compress=RLELossless, **stored)
    assert np.array_equal(read_ct(tmp_path).volume.array, array)
