"""The container's recipe: what it installs is what the project asks for, and its steps do what they should.

The image itself is built by hand; docs/deploy.md says with what.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from OpportunisticBMDLib.inference.kept import FOLDER_VARIABLE
from OpportunisticBMDLib.models import STAGES
from OpportunisticBMDLib.system.processes import finding

tomllib = pytest.importorskip("tomllib", reason="reading pyproject.toml needs Python 3.11")

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPE = (REPOSITORY / "docs" / "deploy" / "Dockerfile").read_text(encoding="utf-8")
UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("package", ["torch", "torchvision"])
def test_pytorch_is_the_one_that_the_models_were_tested_with(package, project):
    (version,) = re.findall(rf"^ARG {package.upper()}=(.+)$", RECIPE, re.MULTILINE)
    assert f"{package}=={version}" in project["optional-dependencies"]["dev"]


def test_its_extras_exist(project):
    (extras,) = re.findall(r"/source\[([\w,]+)\]", RECIPE)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


def test_networks_are_kept_where_the_program_looks_for_them():
    assert re.search(rf"^\s*(?:ENV )?{FOLDER_VARIABLE}=/cache\b", RECIPE, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.skipif(UV is None, reason="needs uv (pip install uv)")
def test_what_is_sent_to_the_builder_is_enough_for_the_wheel(tmp_path):
    source = tmp_path / "source"
    for line in (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line.startswith("!"):
            copy(REPOSITORY / line[1:], source / line[1:])
    built = subprocess.run([UV, "build", "--wheel", "--out-dir", tmp_path, source], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    held = zipfile.ZipFile(wheel).namelist()
    assert {f"OpportunisticBMDLib/Models/{stage}/model.safetensors" for stage in STAGES} <= set(held)


def copy(origin: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if origin.is_dir():
        shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(origin, target)


@pytest.mark.slow
def test_its_last_step_converts_all_networks(tmp_path):
    pytest.importorskip("openvino")
    (code,) = re.findall(r"python -c (\".*\")$", RECIPE, re.MULTILINE)
    known = finding([REPOSITORY]) | {FOLDER_VARIABLE: str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", *shlex.split(code)], capture_output=True, text=True, env=known)
    assert done.returncode == 0, done.stderr
    assert {path.name.partition("-")[0] for path in tmp_path.glob("*.openvino")} == set(STAGES)
