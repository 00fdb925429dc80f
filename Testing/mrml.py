"""Scenes of real MRML for tests, with what the application adds to one, and edits as the Segment Editor makes them."""

from __future__ import annotations

import tempfile
from functools import cache
from typing import Any

import numpy as np
import pytest

from grids import rotated
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume

slicer = pytest.importorskip("slicer", reason="needs slicer-core")
vtk = pytest.importorskip("vtk")

from OpportunisticBMDLib.scene.placement import matrix_of  # noqa: E402
from OpportunisticBMDLib.scene.segmentation import create_segmentation  # noqa: E402
from OpportunisticBMDLib.scene.volumes import node_from_volume  # noqa: E402


def new_scene() -> Any:
    """A scene with selection and interaction node, storage types, conversion rules, and a cache to open .mrb files."""
    scene = slicer.vtkMRMLScene()
    for name in ("vtkMRMLSelectionNode", "vtkMRMLInteractionNode"):
        node = getattr(slicer, name)()
        node.SetSingletonTag("Singleton")
        scene.AddNode(node)
    logics = (slicer.vtkSlicerSegmentationsModuleLogic(), slicer.vtkSlicerMarkupsLogic())
    for logic in logics:
        logic.SetMRMLScene(scene)
    manager, files = slicer.vtkDataIOManager(), slicer.vtkCacheManager()
    files.SetRemoteCacheDirectory(_cache_directory())
    manager.SetCacheManager(files)
    scene.SetDataIOManager(manager)
    scene.kept_alive = (*logics, manager, files)
    return scene


@cache
def _cache_directory() -> str:
    return tempfile.mkdtemp(prefix="mrml-")


def ct_on(grid: Grid) -> Volume:
    """Voxels that are all different, so that none can be mistaken for another."""
    return Volume(np.arange(np.prod(grid.size), dtype=np.int16).reshape(grid.size), grid)


def three_blocks(grid: Grid) -> Segmentation:
    """T12, L1 and L2 as boxes of different size, touching each other, away from the middle of the grid."""
    labels = np.zeros(grid.size, np.uint8)
    labels[3:9, 4:9, 11:15] = 1
    labels[4:11, 4:10, 7:11] = 2
    labels[5:14, 3:9, 2:7] = 3
    return Segmentation(Volume(labels, grid), dict(zip(VERTEBRAE, (0.91, 0.92, 0.93))))


def edit(node: Any, segment_id: str, mask: Volume) -> None:
    """Sets a segment's mask as an effect of the Segment Editor does: an image cropped to its voxels, replacing.

    Args:
        mask: bool, in the node's own coordinates.
    """
    index = np.argwhere(mask.array)
    start, stop = (index.min(axis=0), index.max(axis=0) + 1) if len(index) else (np.zeros(3, int), np.ones(3, int))
    part = mask.part(tuple(slice(int(a), int(b)) for a, b in zip(start, stop)))
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(part.grid.size)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    for i, j, k in np.ndindex(part.grid.size):
        image.SetScalarComponentFromDouble(i, j, k, 0, float(part.array[i, j, k]))
    image.SetSpacing(part.grid.spacing)
    image.SetOrigin(part.grid.affine[:3, 3])
    image.SetDirections((part.grid.affine[:3, :3] / part.grid.spacing).tolist())
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.SetBinaryLabelmapToSegment(image, node, segment_id, logic.MODE_REPLACE)
    node.GetSegmentation().CollapseBinaryLabelmaps(False)


def made(grid: Grid, scene: Any = None) -> tuple[Any, Any, Volume]:
    """(volume node, segmentation node, the labels put in)."""
    scene = scene or new_scene()
    volume_node = node_from_volume(scene, ct_on(grid), "CT")
    segmentation = three_blocks(grid)
    node = create_segmentation(scene, segmentation, volume_node)
    node.kept_alive = scene
    return volume_node, node, segmentation.labels


def transform(scene: Any, affine: np.ndarray) -> Any:
    """A linear transform node."""
    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Move")
    node.SetMatrixTransformToParent(matrix_of(affine))
    return node


def turn(degrees: float = 20.0) -> np.ndarray:
    affine = rotated(np.eye(4), degrees=(degrees, -5, 11))
    affine[:3, 3] = (7, -13, 22)
    return affine


def segment_editor(node: Any, volume_node: Any, segment_id: str) -> Any:
    """The application's own Segment Editor logic, at work on a segment."""
    logic = slicer.vtkSlicerSegmentEditorLogic()
    scene = node.GetScene()
    logic.SetMRMLScene(scene)
    logic.SetSegmentEditorNode(scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    logic.SetSegmentationHistory(slicer.vtkSegmentationHistory())
    logic.SetSegmentationNode(node)
    logic.SetSourceVolumeNode(volume_node)
    logic.SetCurrentSegmentID(segment_id)
    logic.UpdateReferenceGeometryImage()
    assert logic.ResetModifierLabelmapToDefault()
    return logic


def stroke(logic: Any, voxels: np.ndarray, mode: Any) -> None:
    """Paints or erases (n, 3) voxels, counted in the volume's own indices, with undo."""
    modifier = logic.GetModifierLabelmap()
    for voxel in voxels:
        modifier.SetScalarComponentFromDouble(*(int(n) for n in voxel), 0, 1)
    modifier.Modified()
    logic.SaveStateForUndo()
    logic.ModifySegmentByLabelmap(
        logic.GetSegmentationNode(), logic.GetCurrentSegmentID(), modifier, mode, False, False
    )
