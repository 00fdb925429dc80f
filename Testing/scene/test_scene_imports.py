"""The chain needs no 3D Slicer, and its scene part needs no application."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "OpportunisticBMDLib"
SCENE = LIBRARY / "scene"


def imported(path: Path) -> set[str]:
    """The top-level names of all modules that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {node.module.split(".")[0], *node.module.split(".")[1:2]}
    return found


def used_of_slicer(path: Path) -> set[str]:
    """What follows "slicer." in a file."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    attributes = (node for node in nodes if isinstance(node, ast.Attribute))
    return {node.attr for node in attributes if isinstance(node.value, ast.Name) and node.value.id == "slicer"}


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_only_the_scene_knows_of_slicer(path):
    if path.is_relative_to(SCENE):
        assert not imported(path) & {"qt", "ctk"}
        assert all(name.startswith("vtk") for name in used_of_slicer(path))
    else:
        assert not imported(path) & {"slicer", "vtk", "qt", "ctk", "scene"}
