"""CT volumes as nodes, voxel for voxel both ways, and what is known of how they were acquired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import get_vtk_array_type, vtk_to_numpy

from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading.coverage import check_coverage
from OpportunisticBMDLib.reading.facts.acquisition_facts import UNNAMED, acquisition_of_header
from OpportunisticBMDLib.reading.facts.header_values import text_of
from OpportunisticBMDLib.reading.facts.kind_of_image import CT_IMAGE
from OpportunisticBMDLib.reading.facts.known_words import known_in_series
from OpportunisticBMDLib.reading.hounsfield import hounsfield
from OpportunisticBMDLib.reading.image_file import format_of
from OpportunisticBMDLib.scene.placement import array_of, grid_of, matrix_of, to_world, transform_of


def volume_of(node: Any) -> Volume:
    """The voxels of a scalar volume node, on its grid in world RAS.

    Returns:
        A view of the node's own voxels, not a copy: read-only, and changed when the node's voxels are.

    Raises:
        BadInput: no volume node, no voxels, more than one number per voxel, a sheared grid, or a transform above it
            that is not linear.
    """
    if node is None or not node.IsA("vtkMRMLScalarVolumeNode"):
        name = "Nothing" if node is None else node.GetName()
        raise BadInput(f"{name} is not a CT volume; choose a scalar volume.")
    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars() if image else None
    if scalars is None or scalars.GetNumberOfTuples() == 0:
        raise BadInput(f"{node.GetName()} holds no voxels; load the CT again.")
    if scalars.GetNumberOfComponents() != 1:
        raise BadInput(
            f"{node.GetName()} holds {scalars.GetNumberOfComponents()} numbers per voxel (colours, vectors or several "
            "volumes); choose a CT with one number in HU per voxel."
        )
    extent = image.GetExtent()
    size = tuple(extent[2 * axis + 1] - extent[2 * axis] + 1 for axis in range(3))
    ijk_to_ras = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ijk_to_ras)
    affine = to_world(node) @ array_of(ijk_to_ras)
    affine[:3, 3] += affine[:3, :3] @ extent[::2]
    voxels = vtk_to_numpy(scalars).reshape(size[::-1]).transpose(2, 1, 0)
    voxels.flags.writeable = False
    return Volume(voxels, grid_of(size, affine, node.GetName()))


def place_of(node: Any) -> tuple[Any, ...]:
    """Another value whenever a volume was moved, also by a transform that is not linear."""
    ijk_to_ras = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ijk_to_ras)
    return array_of(ijk_to_ras).tolist(), transform_of(node)


def ct_of(node: Any, header: Mapping[str, Any] | None = None) -> CT:
    """A volume node as a CT, checked as a file would be.

    Args:
        header: as in `acquisition_of`.

    Raises:
        BadInput: as `volume_of`, or a label map, a slice or thin slab, or voxels that are not HU.
    """
    volume = volume_of(node)
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise BadInput(f"{node.GetName()} is a label map; choose the CT that it was drawn on.")
    check_coverage(volume.grid, node.GetName())
    return CT(Volume(hounsfield(volume.array, node.GetName()), volume.grid), acquisition_of(node, header))


def node_from_volume(scene: Any, volume: Volume, name: str) -> Any:
    """A new scalar volume node with a copy of these voxels, and a display node.

    Raises:
        ValueError: a type of number that VTK does not have.
    """
    voxels = volume.array.view(np.uint8) if volume.array.dtype == bool else volume.array
    try:
        kind = get_vtk_array_type(voxels.dtype)
    except TypeError as error:
        raise ValueError(f"a volume node cannot hold {voxels.dtype} voxels") from error
    image = vtk.vtkImageData()
    image.SetDimensions(volume.grid.size)
    image.AllocateScalars(kind, 1)
    vtk_to_numpy(image.GetPointData().GetScalars()).reshape(volume.grid.size[::-1])[:] = voxels.transpose(2, 1, 0)
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(matrix_of(volume.grid.affine))
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    return node


def acquisition_of(node: Any, header: Mapping[str, Any] | None = None) -> Acquisition:
    """How a volume was acquired. Never who the patient is.

    Args:
        header: DICOM keyword -> value of one of its slices, e.g. {"KVP": "120"}; missing or empty ones become None.
            Patient's names and numbers in it serve only to leave out texts that repeat them.

    Raises:
        BadInput: the header says that no density may be read from the image.
    """
    # Whatever object held it: it is a volume of one number a voxel now.
    header = {"Modality": "CT", **(header or {}), "SOPClassUID": CT_IMAGE, "NumberOfFrames": "1"}
    series = text_of(header, "SeriesInstanceUID") or _series_in_hierarchy(node)
    file = _file_of(node)
    name = _known_name(node.GetName()) if series or file is None else file.name
    format = "DICOM" if series else (file and format_of(file)) or "3D Slicer scene"
    try:
        return replace(acquisition_of_header(header, name, format), series_instance_uid=series)
    except ValueError as error:
        raise BadInput(
            f"{node.GetName()} is no conventional CT ({error}), so no density can be read from it: choose the "
            "conventional series."
        ) from error


def _known_name(name: str) -> str:
    """ "4: Thorax", as the application names a series by its description; without words that may name the patient."""
    number, colon, description = name.rpartition(":")
    known = known_in_series(description)
    return f"{number}: {known}" if known and colon and number.isdecimal() and len(number) < 6 else known or UNNAMED


def _file_of(node: Any) -> Path | None:
    storage = node.GetStorageNode()
    name = storage.GetFileName() if storage else None
    return Path(name) if name else None


def _series_in_hierarchy(node: Any) -> str | None:
    """The series UID that 3D Slicer keeps with a volume that it loaded from DICOM."""
    if node.GetScene() is None:
        return None
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    item = hierarchy.GetItemByDataNode(node)
    return None if item == hierarchy.GetInvalidItemID() else hierarchy.GetItemUID(item, "DICOM") or None
