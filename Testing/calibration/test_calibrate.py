"""`calibrate` as a user meets it: from the scan of a phantom to a line that `compute` takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import SimpleITK as sitk

from grids import GRIDS
from OpportunisticBMDLib.calibration.phantoms import PHANTOMS
from OpportunisticBMDLib.cli import BAD_INPUT, MEASURED, main
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results.line_file import read_line
from painted_phantoms import around_origin, painted, rods_of

SCANNER = Calibration("true", "HA", 1.32, 12.0, "of the scanner")
CCI = PHANTOMS["qrm-cci"]


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with rods of water and of 200 mg HA/cm3."""
    ct = painted(
        around_origin(GRIDS["canonical"], 125.0), rods_of(CCI, SCANNER, ((12.0, 20.0), (0.0, 0.0)), 20.0), 75.0
    )
    path = tmp_path_factory.mktemp("phantom") / "rods.nii.gz"
    sitk.WriteImage(ct.volume.to_sitk(), str(path))
    return path


@pytest.fixture(scope="module")
def line_file(scan: Path) -> Path:
    path = scan.parent / "line.json"
    assert main(["calibrate", str(scan), "--phantom", "qrm-cci", "-o", str(path)]) == MEASURED
    return path


def test_a_line_is_shown_and_written(scan, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["calibrate", str(scan), "--phantom", "qrm-cci"]) == MEASURED
    told = capfd.readouterr().out
    assert "QRM cardiac calibration insert: voltage not known" in told and "HU = (1.3" in told
    assert [line.split()[0] for line in told.splitlines()[1:4]] == ["insert", "water", "rod"]
    document = json.loads((tmp_path / "rods-line.json").read_text(encoding="utf-8"))
    assert document["line"]["slope_hu_per_mg_cm3"] == pytest.approx(1.32, rel=0.01)
    assert [insert["density_mg_cm3"] for insert in document["inserts"]] == [0.0, 200.0]
    assert document["inserts"][1]["hu_mean"] == pytest.approx(276, abs=3) and document["inserts"][1]["voxels"] > 500


def test_a_line_that_was_written_is_read(line_file):
    line = read_line(line_file, Acquisition("ct", "NIfTI", kvp=120.0))
    assert line.bmd(SCANNER.hu(100.0)) == pytest.approx(100.0, abs=2.0)
    assert line.name == CCI.name and line.slope_sd > 0.01


def test_a_line_of_another_voltage_is_refused(line_file, tmp_path):
    document = json.loads(line_file.read_text(encoding="utf-8"))
    document["scan"]["kvp"] = 100.0
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document), encoding="utf-8")
    assert read_line(other, Acquisition("ct", "DICOM", kvp=100.0)) and read_line(other, Acquisition("ct", "NIfTI"))
    with pytest.raises(
        BadInput, match=r"at 100 kVp, and ct was made at 120 kVp: give a line of that voltage, or none\.$"
    ):
        read_line(other, Acquisition("ct", "DICOM", kvp=120.0))


@pytest.mark.parametrize(
    ("part", "change"),
    [("slope_hu_per_mg_cm3", -1.0), ("slope_hu_per_mg_cm3", "steep"), ("intercept_sd_hu", -1), ("material", "K2HPO4")],
)
def test_a_line_that_cannot_be_is_refused(line_file, tmp_path, part, change):
    document = json.loads(line_file.read_text(encoding="utf-8"))
    document["line"][part] = change
    path = tmp_path / "line.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(
        BadInput, match=r"line.json holds no line of a scanner \(.*\); correct it, or name another file\.$"
    ):
        read_line(path, Acquisition("ct", "NIfTI"))


def test_an_unknown_phantom_is_named(scan, capfd):
    assert main(["calibrate", str(scan), "--phantom", "espe"]) == BAD_INPUT
    (line,) = capfd.readouterr().err.splitlines()
    assert f"There is no phantom 'espe': name {', '.join(PHANTOMS)}, or a JSON file" in line


def test_nothing_is_written_where_the_inserts_are_not_found(scan, tmp_path, capfd):
    output = tmp_path / "line.json"
    assert main(["calibrate", str(scan), "--phantom", "esp", "-o", str(output)]) == BAD_INPUT
    assert "are not all found in rods.nii.gz" in capfd.readouterr().err and not output.exists()


def test_a_phantom_of_ones_own_is_taken_from_its_file(scan, tmp_path, capfd):
    mine = tmp_path / "mine.json"
    inserts = [{"name": "base", "density_mg_cm3": 0}, {"name": "bone", "density_mg_cm3": 200}]
    description = {
        "schema_version": 1, "name": "ours", "material": "HA", "arrangement": "beside", "radius_mm": [8, 12],
        "length_mm": 10, "spacing_mm": [20, 30], "inserts": inserts,
    }  # fmt: skip
    mine.write_text(json.dumps(description), encoding="utf-8")
    assert main(["calibrate", str(scan), "--phantom", str(mine), "-o", str(tmp_path / "line.json")]) == MEASURED
    assert capfd.readouterr().out.startswith("ours: ")


@pytest.mark.slow
def test_compute_reads_densities_from_the_line(line_file, tmp_path, capfd):
    """The region's HU through the scanner's own line; the result names it."""
    patient = pytest.importorskip("OpportunisticBMDTraining.virtual.patient").virtual_patient(1)
    ct, masks, output = tmp_path / "ct.nii.gz", tmp_path / "masks.nii.gz", tmp_path / "out"
    sitk.WriteImage(patient.ct.to_sitk(), str(ct))
    sitk.WriteImage(patient.labels.to_sitk(), str(masks))
    given = ["--segmentation", str(masks), "--line", str(line_file), "--progress", "none"]
    assert main(["compute", str(ct), "-o", str(output), *given]) == MEASURED, capfd.readouterr().err
    result = json.loads((output / "result.json").read_text(encoding="utf-8"))
    line = json.loads(line_file.read_text(encoding="utf-8"))["line"]
    assert result["calibration"]["source"] == line["source"] and line["source"].startswith("measured on a phantom")
    read = result["vertebrae"]["L1"]
    expected = (read["hu_region"] - line["intercept_hu"]) / line["slope_hu_per_mg_cm3"]
    assert read["read_mg_cm3"] == pytest.approx(expected, abs=0.1)
    assert not any(reason["code"] == "kvp_unknown" for reason in result["reasons"])


def test_a_missing_line_is_said_before_the_models_are_loaded(scan, tmp_path, capfd):
    arguments = [
        "compute",
        str(scan),
        "-o",
        str(tmp_path / "out"),
        "--progress",
        "none",
        "--line",
        str(tmp_path / "x.json"),
    ]
    assert main(arguments) == BAD_INPUT
    assert "x.json cannot be read" in capfd.readouterr().err and not (tmp_path / "out").exists()
