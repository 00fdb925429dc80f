"""What was read lies in the scene as a model: at its place, hidden where the reader hides it, and saved."""

from __future__ import annotations

import numpy as np
import pytest
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from example_results import grid_of, region_of
from mrml import made, new_scene, slicer
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.scene.region import create_model, set_regions, surface_of

REGIONS = [region_of(name) for name in VERTEBRAE]


def leaning() -> Region:
    angle = np.deg2rad(20)
    axes = np.array([[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]])
    return Region(np.array([5.0, -30.0, 100.0]), np.array([[12.0], [9.0], [4.5]]) * axes)


def test_the_model_encloses_what_the_region_contains():
    region = leaning()
    inside = vtk.vtkSelectEnclosedPoints()
    inside.SetSurfaceData(surface_of([region]))
    rng = np.random.default_rng(0)
    local = rng.uniform(-1.3, 1.3, (400, 3))
    clear = np.abs(np.hypot(local[:, 0], local[:, 1]) - 1) > 0.02  # the ellipse is a polygon of 72 corners
    ras = (region.centre_ras + local @ region.half_axes)[clear & (np.abs(np.abs(local[:, 2]) - 1) > 0.02)]
    points = vtk.vtkPoints()
    for point in ras:
        points.InsertNextPoint(*point)
    asked = vtk.vtkPolyData()
    asked.SetPoints(points)
    inside.SetInputData(asked)
    inside.Update()
    found = [bool(inside.IsInside(n)) for n in range(len(ras))]
    assert found == region.contains(ras).tolist() and 0.2 < np.mean(found) < 0.8


def test_the_surface_is_closed_and_of_the_regions_volume():
    mass = vtk.vtkMassProperties()
    triangles = vtk.vtkTriangleFilter()
    triangles.SetInputData(surface_of([leaning()]))
    mass.SetInputConnection(triangles.GetOutputPort())
    assert mass.GetVolume() == pytest.approx(leaning().volume_mm3, rel=0.01)


def test_all_regions_are_one_model_beside_the_volume_outlined_in_slices():
    volume_node, _, _ = made(grid_of("oblique", size=(20, 20, 20)))
    scene = volume_node.GetScene()
    model = create_model(scene, REGIONS, "CT regions read", volume_node)
    assert model.GetName() == "CT regions read" and model.GetDisplayNode().GetVisibility2D()
    points = vtk_to_numpy(model.GetPolyData().GetPoints().GetData())
    for region in REGIONS:
        nearest = np.abs(region.local(points)).max(axis=1)
        assert (nearest < 1.001).sum() == 144  # of each both rings
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(model)) == hierarchy.GetSceneItemID()


def test_a_model_that_the_reader_hides_stays_hidden_when_the_regions_move():
    scene = new_scene()
    model = create_model(scene, REGIONS)
    model.SetDisplayVisibility(False)
    set_regions(model, [leaning()])
    assert not model.GetDisplayVisibility()
    points = vtk_to_numpy(model.GetPolyData().GetPoints().GetData())
    np.testing.assert_allclose(points.mean(axis=0), leaning().centre_ras, atol=1e-3)


def test_without_regions_the_model_is_empty():
    assert create_model(new_scene(), []).GetPolyData().GetNumberOfPoints() == 0
