"""Where a node is: matrices, the transforms above a node, and its place in the subject hierarchy."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid

# The cosine of an angle between axes that rounding explains; more is a shear.
_SHEAR_TOLERANCE = 0.01


def array_of(matrix: vtk.vtkMatrix4x4) -> np.ndarray:
    """(4, 4) float."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def matrix_of(affine: np.ndarray) -> vtk.vtkMatrix4x4:
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(affine, dtype=float).ravel())
    return matrix


def to_world(node: Any) -> np.ndarray:
    """(4, 4) from a node's own coordinates to world RAS, by all linear transforms above it.

    Raises:
        BadInput: one of the transforms is not linear.
    """
    matrix = vtk.vtkMatrix4x4()
    transform = node.GetParentTransformNode()
    if not slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(transform, None, matrix):
        raise BadInput(
            f"{node.GetName()} lies under a transform that bends it ({transform.GetName()}); harden the transform in "
            "the Transforms module, or take the node out of it."
        )
    return array_of(matrix)


def transform_of(node: Any) -> tuple[str, int] | None:
    """What a node lies under; another value after every change of that, also of one that is not linear."""
    transform = node.GetParentTransformNode()
    return (transform.GetID(), transform.GetTransformToWorldMTime()) if transform else None


def grid_of(size: tuple[int, int, int], affine: np.ndarray, name: str) -> Grid:
    """A node's grid.

    Raises:
        BadInput: its axes are not at right angles.
    """
    grid = Grid(size, affine)
    axes = grid.affine[:3, :3] / grid.spacing
    if np.abs(axes.T @ axes - np.eye(3)).max() > _SHEAR_TOLERANCE:
        raise BadInput(f"{name} has a sheared grid; resample it to an orthogonal one, e.g. with Crop Volume.")
    return grid


def moved(grid: Grid, affine: np.ndarray, name: str) -> Grid:
    """A grid after a linear transform; BadInput where that shears it."""
    return grid_of(grid.size, affine @ grid.affine, name)


def place_beside(node: Any, neighbour: Any) -> None:
    """Puts a node under the same study, patient or folder as another one in the subject hierarchy."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    none = hierarchy.GetInvalidItemID()
    beside = hierarchy.GetItemByDataNode(neighbour)
    parent = none if beside == none else hierarchy.GetItemParent(beside)
    if parent == none:
        parent = hierarchy.GetSceneItemID()
    item = hierarchy.GetItemByDataNode(node)
    if item == none:
        hierarchy.CreateItem(parent, node)
    else:
        hierarchy.SetItemParent(item, parent)
