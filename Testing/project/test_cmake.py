"""The extension's CMake files build and install a tree that works alone (Slicer's and CTK's macros by stand-ins).

What the stand-ins in cmake_standins/ prove is what is listed, where it lands and that it runs from there; not Slicer.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
STANDINS = Path(__file__).resolve().parents[1] / "cmake_standins"
MODULES = Path("lib", "Slicer-5.12", "qt-scripted-modules")
# Source folder, and where its content lies among the installed modules.
INSTALLED_FOLDERS = {"OpportunisticBMD": ".", "OpportunisticBMDLib": "OpportunisticBMDLib", "training": "."}

# Runs in a child process that meets the installed tree first, and checks that nothing of ours came from elsewhere.
ALONE = """
import sys
from pathlib import Path

modules, testing = sys.argv[1:]
sys.path[:] = [modules, *sys.path, testing]

import OpportunisticBMDLib, OpportunisticBMDTraining
import OpportunisticBMDLib.cases, OpportunisticBMDTraining.fit.command, OpportunisticBMDTraining.virtual.patient
from OpportunisticBMDLib import models
from OpportunisticBMDLib.cli import main
from OpportunisticBMDLib.results.report import render_report
from example_results import normal

for name, module in list(sys.modules.items()):
    if name.split(".")[0] in ("OpportunisticBMDLib", "OpportunisticBMDTraining"):
        assert Path(module.__file__).is_relative_to(modules), f"{name} comes from {module.__file__}"
assert models.model_folder().is_relative_to(modules), models.model_folder()
assert "<html" in render_report(normal(), b"")
sys.exit(main(["models", "verify"]))
"""


def tool(name: str) -> str | None:
    """A program of this environment (PyPI's cmake brings cmake and ctest), else the system's."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


@pytest.fixture(scope="module")
def cmake_at_hand() -> None:
    if tool("cmake") is None or tool("ctest") is None:
        pytest.skip("cmake is not installed (pip install cmake)")
    if tool("make") is None and tool("ninja") is None:
        pytest.skip("neither make nor ninja is installed, which cmake builds with")


@dataclass(frozen=True)
class Tree:
    """A configured build of an extension."""

    source: Path
    build: Path
    prefix: Path

    @property
    def modules(self) -> Path:
        return self.prefix / MODULES

    def configure(self) -> subprocess.CompletedProcess[str]:
        options = {
            "Slicer_DIR": STANDINS,
            "PYTHON_EXECUTABLE": sys.executable,
            "CMAKE_INSTALL_PREFIX": self.prefix,
            "CMAKE_BUILD_TYPE": "Release",
        }
        # Nothing is compiled: with these, cmake does not look for compilers that a tester may not have.
        for language in ("C", "CXX"):
            options |= {f"CMAKE_{language}_COMPILER": tool("cmake"), f"CMAKE_{language}_COMPILER_FORCED": "ON"}
            options |= {f"CMAKE_{language}_COMPILER_ID_RUN": "ON"}
        generator = ("-G", "Ninja") if tool("make") is None else ()
        arguments = (f"-D{name}={value}" for name, value in options.items())
        return run(tool("cmake"), "-S", self.source, "-B", self.build, *generator, *arguments)

    def make(self) -> subprocess.CompletedProcess[str]:
        return run(tool("cmake"), "--build", self.build, "--parallel", "2")

    def install(self) -> subprocess.CompletedProcess[str]:
        return run(tool("cmake"), "--install", self.build)


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300)


def done(step: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert step.returncode == 0, f"{step.args}\n{step.stdout}\n{step.stderr}"
    return step


@pytest.fixture(scope="module")
def extension(cmake_at_hand: None, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """This repository: configured, built and installed."""
    folder = tmp_path_factory.mktemp("extension")
    tree = Tree(REPOSITORY, folder / "build", folder / "install")
    for step in (tree.configure, tree.make, tree.install):
        done(step())
    return tree


@pytest.fixture
def small(cmake_at_hand: None, tmp_path: Path) -> Tree:
    """A module of two files with this repository's module CMakeLists.txt, to break and to extend."""
    source = tmp_path / "source"
    module = source / "OpportunisticBMD"
    (module / "OpportunisticBMDPanel").mkdir(parents=True)
    shutil.copy(REPOSITORY / "OpportunisticBMD" / "CMakeLists.txt", module)
    (module / "OpportunisticBMD.py").write_text("ANSWER = 42\n")
    (module / "OpportunisticBMDPanel" / "__init__.py").write_text("")
    (source / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16.3...3.19.7)\nproject(Small)\nfind_package(Slicer REQUIRED)\n"
        "include(${Slicer_USE_FILE})\nadd_subdirectory(OpportunisticBMD)\n"
    )
    return Tree(source, tmp_path / "build", tmp_path / "install")


def shipped_files(folder: Path) -> Iterator[Path]:
    """What lies in a source folder and is no by-product, relative to it."""
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        by_product = any(part == "__pycache__" or part.startswith(".") for part in relative.parts)
        if path.is_file() and not by_product and path.name != "CMakeLists.txt":
            yield relative


@pytest.mark.parametrize("folder", INSTALLED_FOLDERS)
def test_every_file_of_the_packages_is_installed_as_it_is(extension: Tree, folder: str):
    target = extension.modules / INSTALLED_FOLDERS[folder]
    files = sorted(shipped_files(REPOSITORY / folder))
    assert any(path.suffix == ".py" for path in files)
    missing = [str(path) for path in files if not (target / path).is_file()]
    assert not missing, f"add their kind to the GLOB_RECURSE of CMakeLists.txt: {missing}"
    differ = [str(path) for path in files if (target / path).read_bytes() != (REPOSITORY / folder / path).read_bytes()]
    assert not differ


def test_the_python_files_are_byte_compiled(extension: Tree):
    installed = extension.modules / "OpportunisticBMDTraining"
    compiled = {path.name.split(".")[0] for path in installed.glob("__pycache__/*.pyc")}
    assert compiled == {path.stem for path in (REPOSITORY / "training" / "OpportunisticBMDTraining").glob("*.py")}


def test_the_module_its_window_and_its_icon_are_in_place(extension: Tree):
    modules = extension.modules
    # Slicer takes every .py file beside the packages for a module.
    assert [path.name for path in modules.glob("*.py")] == ["OpportunisticBMD.py"]
    assert list(modules.glob("Resources/UI/*.ui"))
    assert (modules / "Resources" / "Icons" / "OpportunisticBMD.png").read_bytes().startswith(b"\x89PNG")
    assert (modules / "Resources" / "requirements.txt").is_file()
    assert (modules / "Resources" / "Terminologies" / "OpportunisticBMD.term.json").is_file()


def test_models_and_schema_lie_where_the_library_looks(extension: Tree):
    for path in [*REPOSITORY.glob("Resources/Models/*/model.*"), REPOSITORY / "Resources" / "result.schema.json"]:
        installed = extension.modules / path.relative_to(REPOSITORY)
        assert installed.is_file() and installed.stat().st_size == path.stat().st_size, installed


@pytest.mark.slow
def test_the_installed_tree_works_alone_and_elsewhere(extension: Tree, tmp_path: Path):
    """Slicer's packages are built in one place and unpacked in another."""
    modules = tmp_path / "elsewhere" / "qt-scripted-modules"
    shutil.copytree(extension.modules, modules)
    environment = {key: value for key, value in os.environ.items() if key != "OPPORTUNISTIC_BMD_MODELS"}
    child = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, str(modules), str(Path(__file__).parents[1])],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        env=environment | {"OMP_NUM_THREADS": "1"},
    )
    assert child.returncode == 0, child.stderr
    for stage in ("localizer", "segmentation", "bmd"):
        assert stage in child.stdout


def test_the_modules_own_test_is_registered(extension: Tree):
    listing = json.loads(done(run(tool("ctest"), "--test-dir", extension.build, "--show-only=json-v1")).stdout)
    names = {test["name"] for test in listing["tests"]}
    assert {"py_OpportunisticBMD", "py_nomainwindow_OpportunisticBMDModuleGenericTest"} <= names


def test_the_registered_test_exists():
    module = ast.parse((REPOSITORY / "OpportunisticBMD" / "OpportunisticBMD.py").read_text(encoding="utf-8"))
    classes = {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}
    methods = {node.name for node in classes["OpportunisticBMDTest"].body if isinstance(node, ast.FunctionDef)}
    assert "runTest" in methods


def test_the_archive_holds_the_installed_tree(extension: Tree, tmp_path: Path):
    done(run(tool("cpack"), "--config", extension.build / "CPackConfig.cmake", "-B", tmp_path))
    archives = list(tmp_path.glob("OpportunisticBMD*.tar.gz"))
    assert len(archives) == 1 and archives[0].stat().st_size > 10_000_000, archives


def test_a_new_file_is_found_by_the_next_build(small: Tree):
    for step in (small.configure, small.make):
        done(step())
    panel = small.source / "OpportunisticBMD" / "OpportunisticBMDPanel"
    (panel / "later.py").write_text("LATER = True\n")
    (panel.parent / "Resources" / "UI").mkdir(parents=True)
    (panel.parent / "Resources" / "UI" / "Later.ui").write_text("<ui/>")
    done(small.make())
    done(small.install())
    assert (small.modules / "OpportunisticBMDPanel" / "later.py").is_file()
    assert (small.modules / "Resources" / "UI" / "Later.ui").is_file()


def test_a_missing_module_file_stops_the_configuration(small: Tree):
    (small.source / "OpportunisticBMD" / "OpportunisticBMD.py").unlink()
    step = small.configure()
    assert step.returncode != 0
    assert "OpportunisticBMD.py" in step.stderr and "does not exist" in " ".join(step.stderr.split())


def test_a_syntax_error_stops_the_build(small: Tree):
    (small.source / "OpportunisticBMD" / "OpportunisticBMDPanel" / "widget.py").write_text("def broken(:\n")
    done(small.configure())
    step = small.make()
    assert step.returncode != 0
    assert "widget.py" in step.stdout + step.stderr


def description(tree: Tree) -> dict[str, str]:
    """The extension's description as CMake has written it."""
    lines = (tree.build / "OpportunisticBMD.s4ext").read_text(encoding="utf-8").splitlines()
    return {key: value for key, _, value in (line.partition(" ") for line in lines)}


def test_the_description_is_written_for_the_catalogue(extension: Tree):
    """What test_extensions_index.py reads in CMakeLists.txt is what comes out of it."""
    entry, built = (
        json.loads((REPOSITORY / "OpportunisticBMD.json").read_text(encoding="utf-8")),
        description(extension),
    )
    assert entry["category"] == built["category"]
    assert " ".join(entry["build_dependencies"]) == built["depends"]
    assert entry["scm_url"] == f"{built['homepage']}.git"


def test_the_module_requires_what_the_package_requires():
    tomllib = pytest.importorskip("tomllib", reason="tomllib is part of Python since 3.11")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (
        (REPOSITORY / "OpportunisticBMD" / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    )
    required = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    assert sorted(required) == sorted(project["dependencies"])
    assert not [line for line in required if ">=" not in line or "==" in line or "<" in line]
