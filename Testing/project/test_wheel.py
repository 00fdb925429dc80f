"""The wheel as a stranger installs it: into an empty environment, with the base dependencies and with each extra."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.core.volume import Volume

REPOSITORY = Path(__file__).resolve().parents[2]
UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
EXTRAS = ("", "cases", "dicom", "openvino", "training")
# What 3D Slicer's window imports of the library before anything is installed or computed.
FIRST_IMPORT = (
    "import OpportunisticBMDLib.edits, OpportunisticBMDLib.results.wording, OpportunisticBMDLib.worker.client"
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def uv(*arguments: object) -> None:
    done = subprocess.run([UV, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode and "--offline" in map(str, arguments) and "network" in done.stderr:
        pytest.skip(f"uv's cache does not hold every package: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr


class Installed:
    """An environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [self.folder / "bin" / program, *arguments]
        own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=self.folder, env=own)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    if UV is None or sys.platform == "win32":
        pytest.skip("needs uv (pip install uv), and environments as they are on Linux and macOS")
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", folder, "--python", sys.executable, REPOSITORY)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module", params=EXTRAS, ids=lambda extra: extra or "base")
def installed(request, wheel, tmp_path_factory) -> Installed:
    """With the versions of this environment, from uv's cache: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("environment")
    uv("venv", "--python", sys.executable, folder / "venv")
    frozen = subprocess.run([UV, "pip", "freeze", "--python", sys.executable], capture_output=True, text=True).stdout
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(line for line in frozen.splitlines() if "==" in line and "@" not in line))
    wanted = f"{wheel}[{request.param}]" if request.param else wheel
    python = folder / "venv" / "bin" / "python"
    uv("pip", "install", "--offline", "--python", python, "--constraint", constraints, wanted)
    environment = Installed(folder / "venv")
    environment.extra = request.param
    return environment


def test_it_finds_its_models(installed):
    done = installed.run("opportunistic-bmd", "models", "verify")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("SHA-256") == 4


def test_it_imports_what_the_window_needs_first(installed):
    done = installed.run("python", "-c", FIRST_IMPORT + "; import sys; assert 'torch' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_it_computes(installed, tmp_path):
    """Three bodies without ribs: read, looked at, refused with a reason, and all files written."""
    import SimpleITK as sitk

    ct, _ = synthetic_case(grid_of("straight"))
    in_air = ct.volume.array.copy()
    in_air[:, in_air.shape[1] * 2 // 3 :] = -1000
    sitk.WriteImage(Volume(in_air, ct.volume.grid).to_sitk(), str(tmp_path / "ct.nii.gz"))
    done = installed.run("opportunistic-bmd", "compute", tmp_path / "ct.nii.gz", "-o", tmp_path / "out")
    assert done.returncode in (0, 3) and "Traceback" not in done.stderr, done.stderr
    assert {"result.json", "report.html", "preview.png"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_it_makes_virtual_patients(installed, tmp_path):
    done = installed.run("opportunistic-bmd", "simulate", "-n", "1", "--seed", "1", "-o", tmp_path / "dataset")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "dataset" / "dataset.json").is_file()


def test_what_is_missing_for_the_laboratory_is_said_in_one_sentence(installed):
    done = installed.run("opportunistic-bmd-lab", "evaluate", "--help")
    if installed.extra == "training":
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 2 and "training]'" in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_the_laboratory_lists_its_commands(installed):
    done = installed.run("opportunistic-bmd-lab", "--help")
    assert done.returncode == 0 and "evaluate" in done.stdout, done.stderr
