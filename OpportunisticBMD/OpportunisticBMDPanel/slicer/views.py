"""The slice views: the volume in them, and the vertebra in their middle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer


class SlicerViews:
    """All slice views of a scene."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene

    def show(self, volume_node: Any) -> None:
        """Shows the volume behind everything else."""
        for number in range(self._scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
            composite = self._scene.GetNthNodeByClass(number, "vtkMRMLSliceCompositeNode")
            composite.SetBackgroundVolumeID(volume_node.GetID())

    def centre_on(self, ras_mm: Sequence[float]) -> None:
        """Moves every slice view so that this point is in its middle."""
        mode = slicer.vtkMRMLSliceNode.CenteredJumpSlice
        slicer.vtkMRMLSliceNode.JumpAllSlices(self._scene, *ras_mm, mode)
