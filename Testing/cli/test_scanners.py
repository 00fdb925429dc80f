"""The registry as a user meets it: `calibrate` enters a line, `compute` finds it, `scanners` shows and hands it on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("pydicom", reason="pydicom (the dicom extra) is not installed")

from dicom_files import write_stack
from OpportunisticBMDLib.calibration.phantoms import PHANTOMS
from OpportunisticBMDLib.cli import BAD_INPUT, MEASURED, main
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.scanners.registry import ScannerRegistry
from painted_phantoms import painted, rods_of
from phantom_lines import line_of_day

TRUE = Calibration("true", "HA", 1.32, 12.0, "of the scanner")
CCI = PHANTOMS["qrm-cci"]
SCANNER = {"Manufacturer": "SIEMENS", "ManufacturerModelName": "SOMATOM Force", "DeviceSerialNumber": "75512"}
NAME = "SIEMENS SOMATOM Force"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScannerRegistry:
    monkeypatch.setenv("OPPORTUNISTIC_BMD_SCANNERS", str(tmp_path / "scanners.sqlite"))
    return ScannerRegistry.of_user()


@pytest.fixture(scope="module")
def rods() -> np.ndarray:
    """A scan with rods of water and of 200 mg HA/cm3."""
    grid = Grid.axis_aligned((64, 64, 44), (2.0, 2.0, 3.0))
    return painted(grid, rods_of(CCI, TRUE, ((12.0, 20.0), (0.0, 0.0)), 20.0), 75.0).volume.array


def phantom(folder: Path, rods: np.ndarray, **facts: object) -> str:
    write_stack(folder, rods, origin=(-63.0, -63.0, -64.5), **{"AcquisitionDate": "20260512"} | SCANNER | facts)
    return str(folder)


def test_calibrate_enters_a_line_once_and_says_so(registry, rods, tmp_path, capfd):
    scan = phantom(tmp_path / "phantom", rods)
    arguments = ["calibrate", scan, "--phantom", "qrm-cci", "-o", str(tmp_path / "line.json")]
    assert [main(arguments), main(arguments)] == [MEASURED, MEASURED]
    told = capfd.readouterr().out
    assert f"It is in the registry of scanners, where CTs of {NAME} (" in told and "It replaces the line" in told
    (one,) = registry.all()
    assert one.line.slope_hu_per_mg_cm3 == pytest.approx(1.32, rel=0.02)
    assert (one.scan.scanned_on, one.scan.scanner, one.scan.kvp) == ("2026-05-12", NAME, 120.0)
    assert b"75512" not in registry.path.read_bytes()


@pytest.mark.parametrize(
    ("options", "facts", "said"),
    [
        (["--no-registry"], {}, ""),
        (
            [],
            dict.fromkeys(SCANNER, ""),
            "It is not entered into the registry of scanners: the scan does not state its scanner.",
        ),
        (
            [],
            {"KVP": None},
            "It is not entered into the registry of scanners: the scan does not state the tube voltage.",
        ),
    ],
)
def test_a_line_that_is_not_entered_is_written_all_the_same(registry, rods, tmp_path, capfd, options, facts, said):
    line = tmp_path / "line.json"
    scan = phantom(tmp_path / "phantom", rods, **facts)
    assert main(["calibrate", scan, "--phantom", "qrm-cci", "-o", str(line), *options]) == MEASURED
    assert said in capfd.readouterr().out and line.exists()
    assert not registry.path.exists()


def test_the_commands_show_hand_on_and_forget(registry, tmp_path, capfd, monkeypatch):
    for day, slope in (("2025-05-12", 1.30), ("2026-05-12", 1.36)):
        registry.enter(line_of_day(day, slope))
    picture, export = tmp_path / "drift.png", tmp_path / "lines.json"
    for words in (["list"], ["drift", "aquilion", "120", "-o", str(picture)], ["export", str(export)]):
        assert main(["scanners", *words]) == MEASURED
    told = capfd.readouterr().out
    assert told.count("Canon Aquilion ONE (4f1c22), 120 kVp, FC12") == 2 and "scan the phantom again" in told
    assert picture.stat().st_size > 10_000 and "2 lines in" in told
    monkeypatch.setenv("OPPORTUNISTIC_BMD_SCANNERS", str(tmp_path / "other.sqlite"))
    for words in (["import", str(export)], ["import", str(export)], ["forget", "1"], []):
        assert main(["scanners", *words]) == MEASURED
    told = capfd.readouterr().out
    assert "2 lines added" in told and "0 lines added" in told and "1 line left" in told
    assert [one.measured.line.slope_hu_per_mg_cm3 for one in ScannerRegistry.of_user().all()] == [1.36]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["drift", "magnetom"], "There is no such scanner in the registry"),
        (["forget", "7"], "There is no line 7 in"),
        (["import", "nowhere.json"], "nowhere.json cannot be read"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(registry, capfd, words, said):
    assert main(["scanners", *words]) == BAD_INPUT
    (line,) = capfd.readouterr().err.splitlines()
    assert said in line


def test_an_empty_registry_says_what_to_do(registry, capfd):
    assert main(["scanners"]) == MEASURED
    assert "none yet: measure one with calibrate" in capfd.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--no-registry"]])
def test_a_patients_scan_finds_the_line_of_its_scanner(registry, rods, tmp_path, capfd, options):
    """Masks are given; the same machine, voltage and kernel as in the phantom's scan."""
    patient = pytest.importorskip("OpportunisticBMDTraining.virtual.patient").virtual_patient(1)
    scan = phantom(tmp_path / "phantom", rods)
    assert main(["calibrate", scan, "--phantom", "qrm-cci", "-o", str(tmp_path / "line.json")]) == MEASURED
    grid = patient.ct.grid
    flipped = patient.ct.array[::-1, ::-1]  # as DICOM stores it, towards left and back
    last = grid.ras_of(np.array(grid.size) - 1)
    origin = (-last[0], -last[1], grid.ras_of(np.zeros(3))[2])
    write_stack(tmp_path / "ct", flipped, origin=origin, spacing=grid.spacing, AcquisitionDate="20260601", **SCANNER)
    masks = tmp_path / "masks.nii.gz"
    sitk.WriteImage(patient.labels.to_sitk(), str(masks))
    output = tmp_path / "out"
    arguments = [str(tmp_path / "ct"), "-o", str(output), "--segmentation", str(masks), "--progress", "none"]
    assert main(["compute", *arguments, *options]) == MEASURED, capfd.readouterr().err
    result = json.loads((output / "result.json").read_text(encoding="utf-8"))
    kind, day = ("voltage", None) if options else ("scanner", "2026-05-12")
    assert (result["calibration"]["kind"], result["calibration"]["measured_on"]) == (kind, day)
    told = capfd.readouterr().out
    assert ("; phantom line of 12 May 2026" in told) is not bool(options)
    read = result["vertebrae"]["L1"]
    line = result["calibration"]
    expected = (read["hu_region"] - line["intercept_hu"]) / line["slope_hu_per_mg_cm3"]
    assert read["read_mg_cm3"] == pytest.approx(expected, abs=0.1)
