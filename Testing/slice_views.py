"""Slicer's three slice views, drawn off screen by its own displayable managers: what a reader sees beside the panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

ORIENTATIONS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
DRAWN_BY = (
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
)
SIZE_PX = 400
FIELD_MM = 400.0  # before the panel brings a vertebra closer


@dataclass(frozen=True, eq=False)
class _View:
    """A slice view: what it shows, where it is drawn, and what has to live as long as it does."""

    logic: Any
    node: Any
    window: Any
    kept: tuple[Any, ...]


class SliceViews:
    """The views of a scene, from the moment on in which they are made.

    Args:
        scene: vtkMRMLScene.
    """

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        application = slicer.vtkMRMLApplicationLogic()
        application.SetMRMLScene(scene)
        colours = slicer.vtkMRMLColorLogic()
        colours.SetMRMLScene(scene)
        colours.AddDefaultColorNodes()
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetSingletonTag("default")
        scene.AddNode(crosshair)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
        managers = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        managers.SetMRMLApplicationLogic(application)
        for name in DRAWN_BY:
            if not managers.IsDisplayableManagerRegistered(name):
                managers.RegisterDisplayableManager(name)
        self._kept = (application, colours, crosshair)
        self._views = [_view(scene, application, managers, name, ORIENTATIONS[name]) for name in ORIENTATIONS]

    def picture(self) -> np.ndarray:
        """(height, width, 3) RGB of the three views, side by side."""
        return np.hstack([_drawn(view) for view in self._views])


def _view(scene: Any, application: Any, managers: Any, name: str, orientation: str) -> _View:
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLScene(scene)
    logic.SetMRMLApplicationLogic(application)
    node = logic.AddSliceNode(name)
    node.SetOrientation(orientation)
    node.SetDimensions(SIZE_PX, SIZE_PX, 1)
    node.SetFieldOfView(FIELD_MM, FIELD_MM, 1)
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetSize(SIZE_PX, SIZE_PX)
    renderer = vtk.vtkRenderer()
    window.AddRenderer(renderer)
    mapper = vtk.vtkImageMapper()  # of the colours that the slice logic has blended
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    mapper.SetInputConnection(logic.GetImageDataConnection())
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetDisplayLocationToBackground()
    renderer.AddActor2D(actor)
    interactor = vtk.vtkRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    group = managers.InstantiateDisplayableManagers(renderer)
    group.SetMRMLDisplayableNode(node)
    return _View(logic, node, window, (mapper, interactor, group))


def _drawn(view: _View) -> np.ndarray:
    view.node.UpdateMatrices()
    view.logic.UpdatePipeline()
    view.kept[0].SetInputConnection(view.logic.GetImageDataConnection())  # another one after each new volume
    view.window.Render()
    grabbed = vtk.vtkWindowToImageFilter()
    grabbed.SetInput(view.window)
    grabbed.ReadFrontBufferOff()
    grabbed.Update()
    pixels = vtk_to_numpy(grabbed.GetOutput().GetPointData().GetScalars())
    return pixels.reshape(SIZE_PX, SIZE_PX, -1)[::-1, :, :3]
