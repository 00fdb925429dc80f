"""The slice views and the 3D view: the volume in them, and a place of it in their middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import slicer

# The shorter side of a slice view shows a vertebra with its neighbours; a zoom between the limits is the reader's own.
ZOOM_MM, LEAST_ZOOM_MM, MOST_ZOOM_MM = 140.0, 80.0, 200.0


class SlicerViews:
    """All views of a scene."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene
        self._crosshair_before: int | None = None  # None until a place is pointed at

    def show(self, volume_node: Any) -> None:
        """Shows the volume behind everything else."""
        for composite in self._nodes("vtkMRMLSliceCompositeNode"):
            composite.SetBackgroundVolumeID(volume_node.GetID())

    def point_at(self, ras_mm: Sequence[float]) -> None:
        """Brings a place into the middle of every view, with the crosshair on it.

        In 3D, direction and distance stay. A crosshair that the reader hides stays hidden until `leave`.
        """
        mode = slicer.vtkMRMLSliceNode.CenteredJumpSlice
        slicer.vtkMRMLSliceNode.JumpAllSlices(self._scene, *ras_mm, mode)
        for camera in self._nodes("vtkMRMLCameraNode"):
            _look_at(camera, ras_mm)
        self._move_crosshair(ras_mm)

    def zoom_to_vertebra(self) -> None:
        """Lets every slice view that shows far more than a vertebra with its neighbours, or less, show these."""
        for view in self._nodes("vtkMRMLSliceNode"):
            width, height, depth = view.GetFieldOfView()
            shorter = min(width, height)
            if shorter > 0 and not LEAST_ZOOM_MM <= shorter <= MOST_ZOOM_MM:
                view.SetFieldOfView(width * ZOOM_MM / shorter, height * ZOOM_MM / shorter, depth)

    def leave(self) -> None:
        """Hides the crosshair where it was shown here and the reader has not chosen another since."""
        crosshair, shown = self._crosshair(), slicer.vtkMRMLCrosshairNode.ShowBasic
        if self._is_crosshair_ours() and crosshair is not None and crosshair.GetCrosshairMode() == shown:
            crosshair.SetCrosshairMode(slicer.vtkMRMLCrosshairNode.NoCrosshair)
        self._crosshair_before = None

    def _move_crosshair(self, ras_mm: Sequence[float]) -> None:
        crosshair = self._crosshair()
        if crosshair is None:
            return
        crosshair.SetCrosshairRAS(*ras_mm)
        if self._crosshair_before is None:
            self._crosshair_before = crosshair.GetCrosshairMode()
            if self._is_crosshair_ours():
                crosshair.SetCrosshairMode(slicer.vtkMRMLCrosshairNode.ShowBasic)  # lines that leave their middle free

    def _is_crosshair_ours(self) -> bool:
        return self._crosshair_before == slicer.vtkMRMLCrosshairNode.NoCrosshair

    def _crosshair(self) -> Any:
        """The node that the views draw; None in a scene without views."""
        return self._scene.GetSingletonNode("default", "vtkMRMLCrosshairNode")

    def _nodes(self, class_name: str) -> Iterator[Any]:
        for number in range(self._scene.GetNumberOfNodesByClass(class_name)):
            yield self._scene.GetNthNodeByClass(number, class_name)


def _look_at(camera: Any, ras_mm: Sequence[float]) -> None:
    way = [place - now for place, now in zip(ras_mm, camera.GetFocalPoint())]
    position = [now + step for now, step in zip(camera.GetPosition(), way)]
    camera.SetFocalPoint(*ras_mm)
    camera.SetPosition(*position)
    camera.ResetClippingRange()
