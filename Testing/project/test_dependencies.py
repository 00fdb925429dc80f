"""A plain install holds all that the library imports: nothing of an extra is asked for at import time."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib", reason="reading pyproject.toml needs Python 3.11")

REPOSITORY = Path(__file__).parents[2]
LIBRARY = REPOSITORY / "OpportunisticBMDLib"
SLICERS_OWN = {"vtk", "slicer", "vtkSegmentationCorePython", "MRMLCorePython"}  # they come with 3D Slicer
OWN = {"OpportunisticBMDLib", "OpportunisticBMDTraining"}
# How a file's path begins -> the extra that it needs.
EXTRAS = {
    "cases/": "cases",
    "cohort/": "cohort",
    "dicom/objects/": "dicom",
    "inference/openvino_": "openvino",
    "pacs/": "pacs",
}
INSTALLED_AS = {"dicomweb_client": "dicomweb-client", "nrrd": "pynrrd", "PIL": "pillow", "sklearn": "scikit-learn"}


def project() -> dict:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=;\[ ]", requirement)[0].lower() for requirement in requirements}


def imported(path: Path, *, at_once: bool) -> set[str]:
    """Top-level packages that a file imports: when it is imported itself, or anywhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if at_once else list(ast.walk(tree))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    packages = {name.partition(".")[0] for name in found} - sys.stdlib_module_names - OWN - SLICERS_OWN
    return {INSTALLED_AS.get(name, name).lower() for name in packages}


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_a_plain_install_holds_what_is_imported_at_once(path):
    place = path.relative_to(LIBRARY).as_posix()
    held = names(project()["dependencies"])
    for start, extra in EXTRAS.items():
        held |= names(project()["optional-dependencies"][extra]) if place.startswith(start) else set()
    assert imported(path, at_once=True) <= held


def test_what_is_imported_later_belongs_to_an_extra():
    known = names(project()["dependencies"]).union(*map(names, project()["optional-dependencies"].values()))
    assert set().union(*(imported(path, at_once=False) for path in LIBRARY.rglob("*.py"))) <= known


def test_the_module_asks_for_what_the_library_needs():
    lines = (REPOSITORY / "OpportunisticBMD/Resources/requirements.txt").read_text(encoding="utf-8").splitlines()
    asked = names([line for line in lines if line and not line.startswith("#")])
    assert names(project()["dependencies"]) <= asked
