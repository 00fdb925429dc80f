"""The program as a user meets it: real child processes, exit statuses, one plain line, nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pydicom = pytest.importorskip("pydicom", reason="pydicom (the dicom extra) is not installed")

from dicom_files import write_slice, write_stack  # noqa: E402
from example_results import acquisition  # noqa: E402
from example_trust import default_line  # noqa: E402
from OpportunisticBMDLib.cli import BAD_INPUT, REFUSED, main  # noqa: E402
from OpportunisticBMDLib.cli.compute import _voltage  # noqa: E402
from OpportunisticBMDLib.cli.words import in_words  # noqa: E402
from OpportunisticBMDLib.core.ct import CT  # noqa: E402
from OpportunisticBMDLib.core.errors import BadInput  # noqa: E402
from OpportunisticBMDLib.core.grid import Grid  # noqa: E402
from OpportunisticBMDLib.core.reason import Reason  # noqa: E402
from OpportunisticBMDLib.core.volume import Volume  # noqa: E402
from OpportunisticBMDLib.models import model_folder  # noqa: E402

RANDOM = np.random.default_rng(0)
TISSUE = RANDOM.choice([-1000, -100, 50, 180, 900], (20, 24, 14)).astype(np.int16)


def image(path: Path, array: np.ndarray, **options) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(array, **options), str(path))
    return path


def dicom(folder: Path, **attributes) -> Path:
    write_stack(folder, TISSUE, **attributes)
    return folder


def missing_slice(folder: Path) -> Path:
    write_stack(folder, TISSUE)[6].unlink()
    return folder


def conflicting_slices(folder: Path) -> Path:
    write_stack(folder, TISSUE)
    write_slice(folder / "twin.dcm", TISSUE[:, :, 3].T, (-30.0, -40.0, 100.0))
    return folder


def truncated(path: Path) -> Path:
    image(path, TISSUE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def zip_of_text(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no CT here")
    return path


def colour(folder: Path) -> Path:
    for file in write_stack(folder, TISSUE):
        data = pydicom.dcmread(file)
        data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "RGB", 0
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
        data.PixelData = np.zeros((data.Rows, data.Columns, 3), np.uint8).tobytes()
        data.save_as(file)
    return folder


def unknown_compression(folder: Path) -> Path:
    for file in write_stack(folder, TISSUE):
        data = pydicom.dcmread(file)
        data.file_meta.TransferSyntaxUID = pydicom.uid.MPEG2MPML
        data.PixelData = pydicom.encaps.encapsulate([b"\0\0\1\xb3 no picture"])
        data["PixelData"].VR = "OB"
        data.save_as(file)
    return folder


def phantom_without_spine(path: Path) -> Path:
    """A block of water in air, with one small piece of bone."""
    phantom = np.full((60, 120, 120), -1000, np.int16)
    phantom[:, 30:90, 20:100] = RANDOM.normal(0, 15, (60, 60, 80)).astype(np.int16)
    phantom[10:14, 40:44, 30:34] = 500
    picture = sitk.GetImageFromArray(phantom)
    picture.SetSpacing((2.5, 2.5, 2.5))
    sitk.WriteImage(picture, str(path))
    return path


BAD = {
    "no such file": lambda tmp: tmp / "absent.nii.gz",
    "no CT at all": lambda tmp: (tmp / "notes.txt").write_text("hello") and tmp / "notes.txt",
    "empty folder": lambda tmp: (tmp / "empty").mkdir() or tmp / "empty",
    "truncated file": lambda tmp: truncated(tmp / "half.nii.gz"),
    "2D": lambda tmp: image(tmp / "flat.nrrd", TISSUE[0]),
    "4D": lambda tmp: image(tmp / "phases.nii.gz", np.stack([TISSUE] * 2), isVector=False),
    "colour image": lambda tmp: image(tmp / "rgb.nrrd", np.zeros((14, 20, 24, 3), np.uint8), isVector=True),
    "not HU": lambda tmp: image(tmp / "mr.nii.gz", RANDOM.integers(0, 255, (14, 20, 24)).astype(np.int16)),
    "MR": lambda tmp: dicom(tmp / "mr", SOPClassUID="1.2.840.10008.5.1.4.1.1.4", Modality="MR"),
    "PET": lambda tmp: dicom(tmp / "pt", SOPClassUID="1.2.840.10008.5.1.4.1.1.128", Modality="PT"),
    "secondary capture": lambda tmp: dicom(tmp / "sc", SOPClassUID="1.2.840.10008.5.1.4.1.1.7"),
    "localizer": lambda tmp: dicom(tmp / "scout", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    "colour DICOM": lambda tmp: colour(tmp / "colour"),
    "missing slice": lambda tmp: missing_slice(tmp / "gap"),
    "two slices in one place": lambda tmp: conflicting_slices(tmp / "twins"),
    "unknown compression": lambda tmp: unknown_compression(tmp / "mpeg"),
    "zip without a CT": lambda tmp: zip_of_text(tmp / "text.zip"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_ends_with_one_plain_line_and_writes_nothing(tmp_path, capfd, kind):
    path = BAD[kind](tmp_path)
    output = tmp_path / "out"
    assert main(["compute", str(path), "-o", str(output), "--progress", "none"]) == BAD_INPUT
    printed = capfd.readouterr()
    lines = [line for line in printed.err.splitlines() if line.strip()]
    assert len(lines) == 1 and path.name in lines[0] and lines[0].endswith(".")
    assert "Traceback" not in printed.err and printed.out == ""
    assert not output.exists() and not list(tmp_path.glob(".obmd*"))


def run(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "OpportunisticBMDLib", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=Path(__file__).parents[2])


def test_the_program_refuses_in_a_process_of_its_own(tmp_path):
    done = run("compute", tmp_path / "absent.nii.gz")
    assert done.returncode == BAD_INPUT
    assert done.stderr.splitlines()[-1].startswith("opportunistic-bmd: ") and "Traceback" not in done.stderr


def test_where_nothing_can_be_written_is_told_before_anything_is_read(tmp_path, capfd):
    (tmp_path / "file").write_text("mine")
    path = image(tmp_path / f"{'a' * 240}.nii.gz", TISSUE)
    for output in (tmp_path / "file", tmp_path / "file" / "deep", tmp_path / ("b" * 300)):
        assert main(["compute", str(path), "-o", str(output)]) == BAD_INPUT
        (line,) = capfd.readouterr().err.splitlines()
        assert "cannot be written" in line and line.endswith(".")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["file", path.name])


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes among its files")
def test_a_pipe_is_no_ct(tmp_path, capfd):
    os.mkfifo(tmp_path / "ct.zip")
    assert main(["compute", str(tmp_path / "ct.zip"), "-o", str(tmp_path / "out"), "--progress", "none"]) == BAD_INPUT
    assert "ct.zip is no ordinary file" in capfd.readouterr().err


def test_control_sequences_reach_no_terminal(tmp_path, capfd):
    with zipfile.ZipFile(tmp_path / "ct.zip", "w") as archive:
        archive.writestr("\x1b]0;TITLE\x07\x1b[2J/../x", b"x" * 300)
    assert main(["compute", str(tmp_path / "ct.zip"), "-o", str(tmp_path / "out"), "--progress", "none"]) == BAD_INPUT
    printed = capfd.readouterr().err
    assert printed.rstrip("\n").isprintable() and "\\x1b]0;TITLE" in printed


def test_texts_of_a_models_card_reach_no_terminal_as_they_are(tmp_path, capfd):
    shutil.copytree(model_folder(), tmp_path / "models")
    path = tmp_path / "models" / "bmd" / "model.json"
    card = json.loads(path.read_text())
    card |= {"intended_use": "X\x1b[2J", "training": {"cases": [1, {"a": 2}], "started_from": "a text"}}
    path.write_text(json.dumps(card))
    assert main(["models", "--models", str(tmp_path / "models")]) == 0
    printed = capfd.readouterr().out
    assert "\x1b" not in printed and "X\\x1b[2J" in printed


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal to one process there")
def test_ctrl_c_ends_it_with_one_line_while_imports_run_ahead(tmp_path):
    ct = phantom_without_spine(tmp_path / "ct.nrrd")
    options = ["-o", str(tmp_path / "out"), "--progress", "json"]
    command = [sys.executable, "-m", "OpportunisticBMDLib", "compute", str(ct), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert '"read"' in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        watch = threading.Timer(60, process.kill)  # a program that hangs ends with another status
        watch.start()
        *_, line = process.communicate()[1].splitlines()
        watch.cancel()
    assert (process.returncode, line) == (130, "opportunistic-bmd: stopped; nothing was written.")
    assert list(tmp_path.iterdir()) == [ct]


def test_wrong_usage_ends_with_status_2():
    assert run("compute").returncode == BAD_INPUT
    assert run("measure", "x").returncode == BAD_INPUT


def test_models_that_ship_are_whole():
    done = run("models", "verify")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" ok ") == 4


def test_models_show_their_cards(capfd):
    assert main(["models"]) == 0
    printed = capfd.readouterr().out
    for word in ("fasterrcnn", "AnatomyNet", "DenseNet121", "SHA-256", "Research, not diagnosis", "Apache-2.0"):
        assert word in printed


def test_fits_of_a_model_are_listed_oldest_first(capfd):
    assert main(["models"]) == 0
    anatomynet = capfd.readouterr().out.partition("segmentation: ")[2].partition("bmd: ")[0]
    fits = [line.split() for line in anatomynet.splitlines() if line.startswith(("  fitted on", "  then on"))]
    assert [fit[0] for fit in fits] == ["fitted", *["then"] * (len(fits) - 1)] and len(fits) > 1
    assert "started_from" not in anatomynet and "{" not in anatomynet


def test_a_missing_model_is_named(tmp_path, capfd):
    ct = phantom_without_spine(tmp_path / "ct.nrrd")
    assert main(["compute", str(ct), "--models", str(tmp_path), "-o", str(tmp_path / "out"), "--progress", "none"]) == 2
    assert "localizer" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_ct_without_the_vertebrae_is_refused_with_a_reason(tmp_path):
    phantom_without_spine(tmp_path / "water.nrrd")
    done = run("compute", tmp_path / "water.nrrd", "-o", tmp_path / "out", "--progress", "json")
    assert done.returncode == REFUSED, done.stderr
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["status"] == "refused" and result["bmd_mg_cm3"] is None and result["category"] is None
    assert [r["message"] for r in result["reasons"] if r["severity"] == "refusal"]
    stages = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [s["stage"] for s in stages][:3] == ["read", "load models", "localize"]
    assert [s["percent"] for s in stages] == sorted(s["percent"] for s in stages)
    assert all(s["percent"] == round(100 * s["fraction"]) for s in stages) and stages[0]["fraction"] == 0.0


def test_a_child_is_refused_before_anything_is_read(tmp_path, capfd):
    who = ["--age", "12", "--sex", "male"]
    assert main(["compute", str(tmp_path / "none.nii"), "-o", str(tmp_path / "out"), *who]) == BAD_INPUT
    assert "those of adults" in capfd.readouterr().err


def test_a_voltage_that_none_can_be_is_bad_usage(tmp_path, capfd):
    ct = phantom_without_spine(tmp_path / "ct.nii.gz")
    assert main(["compute", str(ct), "-o", str(tmp_path / "out"), "--kvp", "1.2"]) == BAD_INPUT
    assert "give the tube voltage in kV" in capfd.readouterr().err and not (tmp_path / "out" / "result.json").exists()


def test_a_voltage_that_the_file_states_is_not_overruled():
    ct = CT(Volume(TISSUE, Grid.axis_aligned(TISSUE.shape, (1, 1, 1))), acquisition(kvp=100.0))
    assert _voltage(ct, None) == _voltage(ct, 100.0) == 100.0
    with pytest.raises(BadInput, match="was made at 100 kVp: leave --kvp out"):
        _voltage(ct, 120.0)


def test_a_voltage_that_is_stated_is_in_the_result(tmp_path):
    ct = phantom_without_spine(tmp_path / "ct.nii.gz")
    assert main(["compute", str(ct), "-o", str(tmp_path / "out"), "--kvp", "100", "--progress", "none"]) == REFUSED
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (
        result["input"]["kvp"] == 100 and result["input"]["kvp_by_user"] and result["calibration"]["name"] == "100 kVp"
    )


def test_reasons_are_shown_in_the_order_of_the_report_with_units_as_there(tmp_path):
    """An info comes before a warning in the result; the warning's message does not name its vertebra."""
    info = Reason("sharp_kernel", "info", "The kernel is sharp.")
    gas = Reason("gas_in_body", "warning", "There is gas (1.2 cm³) in it.", "L2")
    words = in_words(replace(default_line(), reasons=(info, gas)), tmp_path)
    assert words.endswith(
        f"warning: L2: There is gas (1.2 cm³) in it.\ninfo: The kernel is sharp.\n"
        f"Results in {tmp_path}. For research, not diagnosis."
    )
    assert " ± " in words and "mg/cm³ HA" in words and "cm3" not in words and "+-" not in words


def test_a_missing_gpu_is_said_in_one_line(tmp_path, capfd):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    ct = phantom_without_spine(tmp_path / "ct.nrrd")
    assert main(["compute", str(ct), "--device", "cuda", "-o", str(tmp_path / "out"), "--progress", "none"]) == 2
    assert "No CUDA device was found" in capfd.readouterr().err


def test_the_progress_bar_ends_at_all(tmp_path):
    phantom_without_spine(tmp_path / "water.nrrd")
    done = run("compute", tmp_path / "water.nrrd", "-o", tmp_path / "out")
    assert done.returncode == REFUSED and "100 %" in done.stderr.rpartition("done")[2]


def test_demo_shows_truth_beside_result(tmp_path):
    done = run("demo", "-o", tmp_path / "demo", "--progress", "json")
    assert done.returncode == 0, done.stderr
    assert "truth" in done.stdout and "measured" in done.stdout and "L1" in done.stdout
    steps = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    stages = list(dict.fromkeys(step["stage"] for step in steps))
    assert stages == ["read", "load models", "localize", "name", "segment", "measure", "write"]
    assert [s["percent"] for s in steps] == sorted(s["percent"] for s in steps) and steps[-1]["percent"] == 90
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {
        "result.json",
        "segmentation.seg.nrrd",
        "preview.png",
        "report.html",
    }
