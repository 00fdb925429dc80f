"""Where densities were read, as a model that slice views cut to an outline and that the eye in Data hides."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.scene.placement import place_beside

NAME = "regions read"
COLOUR = (1.0, 1.0, 1.0)
POINTS = 72


def create_model(scene: Any, regions: Collection[Region], name: str = NAME, volume_node: Any | None = None) -> Any:
    """A new model node of the regions, in world RAS, outlined in slice views.

    Args:
        volume_node: beside which the model is placed in the subject hierarchy; None leaves it at the top.
    """
    model = scene.AddNewNodeByClass("vtkMRMLModelNode", name)
    model.CreateDefaultDisplayNodes()
    display = model.GetDisplayNode()
    display.SetColor(*COLOUR)
    display.SetOpacity(0.6)
    display.SetVisibility2D(True)
    display.SetSliceIntersectionThickness(2)
    set_regions(model, regions)
    if volume_node is not None:
        place_beside(model, volume_node)
    return model


def set_regions(model: Any, regions: Collection[Region]) -> None:
    """Moves a model to where was read; whether it is shown stays as it is."""
    modified = model.StartModify()
    model.SetAndObserveTransformNodeID(None)
    model.SetAndObservePolyData(surface_of(regions))
    model.EndModify(modified)


def surface_of(regions: Collection[Region]) -> vtk.vtkPolyData:
    """The closed surfaces of the elliptic cylinders, RAS mm."""
    append = vtk.vtkAppendPolyData()
    append.AddInputData(vtk.vtkPolyData())
    for region in regions:
        append.AddInputData(_cylinder(region))
    append.Update()
    return append.GetOutput()


def _cylinder(region: Region) -> vtk.vtkPolyData:
    bottom, top = (region.outline(height, POINTS) for height in (-1.0, 1.0))
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(np.vstack((bottom, top))), deep=True))
    ring = np.arange(POINTS)
    following = np.roll(ring, -1)
    faces = [*np.stack((ring, following, following + POINTS, ring + POINTS), axis=1), ring[::-1], ring + POINTS]
    cells = vtk.vtkCellArray()
    for face in faces:
        cells.InsertNextCell(len(face), [int(n) for n in face])
    surface = vtk.vtkPolyData()
    surface.SetPoints(points)
    surface.SetPolys(cells)
    return surface
