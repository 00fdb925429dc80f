"""Masks as a segment holds them: images with a place in space, often cropped, often shared with other segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.scene.placement import array_of, grid_of, matrix_of, moved

LABELMAP, SURFACE = "Binary labelmap", "Closed surface"
GEOMETRY = "Reference image geometry"
# Of a voxel: two grids that agree this well have the same voxels, and differ by what a file rounds.
_SAME_VOXELS = 0.01


def cropped_image(labels: np.ndarray, affine: np.ndarray, start: Sequence[int] = (0, 0, 0)) -> Any:
    """A labelmap image of the smallest part that holds all labels; without voxels where there are none.

    Args:
        labels: indexed [i, j, k], bool or uint8, on the whole grid or a part of it.
        start: index of the part's first voxel in the whole grid.
        affine: (4, 4) from index to the segmentation node's own coordinates.

    Returns:
        vtkOrientedImageData whose extent counts in the whole grid's indices.
    """
    image = slicer.vtkOrientedImageData()
    image.SetImageToWorldMatrix(matrix_of(affine))
    ranges = extent(labels)
    if ranges is None:
        image.SetExtent(0, -1, 0, -1, 0, -1)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        return image
    image.SetExtent([first + edge for r, first in zip(ranges, start) for edge in (r.start, r.stop - 1)])
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    part = labels[ranges]
    vtk_to_numpy(image.GetPointData().GetScalars()).reshape(part.shape[::-1])[:] = part.transpose(2, 1, 0)
    return image


def mask_of(segment: Any) -> Volume | None:
    """A segment's own voxels, as bool in the segmentation node's own coordinates; None where it has no image."""
    image = segment.GetRepresentation(LABELMAP)
    scalars = image.GetPointData().GetScalars() if image else None
    if scalars is None or scalars.GetNumberOfTuples() == 0:
        return None
    ends = image.GetExtent()
    size = tuple(ends[2 * axis + 1] - ends[2 * axis] + 1 for axis in range(3))
    to_node = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(to_node)
    affine = array_of(to_node)
    affine[:3, 3] += affine[:3, :3] @ ends[::2]
    voxels = vtk_to_numpy(scalars).reshape(size[::-1]).transpose(2, 1, 0)
    return Volume(voxels == segment.GetLabelValue(), grid_of(size, affine, segment.GetName()))


def is_empty(segment: Any) -> bool:
    """Whether nothing was drawn; False for a segment that holds a surface or contours alone."""
    if segment.GetRepresentation(LABELMAP) is None:
        return False
    mask = mask_of(segment)
    return mask is None or not mask.array.any()


def paint(labels: Volume, mask: Volume, value: int) -> None:
    """Writes `value` wherever a mask lies, voxel for voxel where the lattices agree, else by nearest neighbours."""
    start = _offset(mask.grid, labels.grid)
    if start is None:
        under = labels.grid.part_under(mask.grid, margin=1)
        corner = [r.start for r in under]
        mask = mask.resampled_labels(labels.grid.cropped(corner, [r.stop - r.start for r in under]))
        start = np.array(corner)
    first = np.maximum(start, 0)
    stop = np.minimum(start + mask.grid.size, labels.grid.size)
    if (stop <= first).any():
        return
    into = labels.array[tuple(slice(a, b) for a, b in zip(first, stop))]
    part = mask.array[tuple(slice(a, b) for a, b in zip(first - start, stop - start))]
    np.copyto(into, np.uint8(value), where=part.astype(bool, copy=False))


def with_labelmaps(node: Any, grid: Grid, to_node: np.ndarray) -> Any:
    """The node's segmentation, or a copy with labelmaps where it holds only surfaces or contours.

    Args:
        grid: whose voxels such a copy gets, in world RAS.
        to_node: (4, 4) from world RAS to the node's own coordinates.

    Raises:
        BadInput: it cannot be converted.
    """
    segmentation = node.GetSegmentation()
    if segmentation.GetNumberOfSegments() == 0 or segmentation.ContainsRepresentation(LABELMAP):
        return segmentation
    copy = slicer.vtkSegmentation()
    copy.DeepCopy(segmentation)
    _convert(copy, grid, to_node, node.GetName())
    return copy


def make_editable(node: Any, grid: Grid, to_node: np.ndarray) -> None:
    """Has the node itself hold its segments as labelmaps first of all; arguments and errors as in `with_labelmaps`."""
    segmentation = node.GetSegmentation()
    if segmentation.GetNumberOfSegments() and not segmentation.ContainsRepresentation(LABELMAP):
        _convert(segmentation, grid, to_node, node.GetName())
    if segmentation.GetSourceRepresentationName() != LABELMAP:
        segmentation.SetSourceRepresentationName(LABELMAP)


def _convert(segmentation: Any, grid: Grid, to_node: np.ndarray, name: str) -> None:
    affine = matrix_of(moved(grid, to_node, name).affine)
    ends = [edge for n in grid.size for edge in (0, n - 1)]
    segmentation.SetConversionParameter(GEOMETRY, slicer.vtkSegmentationConverter.SerializeImageGeometry(affine, ends))
    if not segmentation.CreateRepresentation(LABELMAP):
        raise BadInput(
            f"The segments of {name} cannot be turned into voxels; convert them to a binary labelmap in the "
            "Segmentations module."
        )


def _offset(inner: Grid, outer: Grid) -> np.ndarray | None:
    """The index in `outer` of the first voxel of `inner`; None where their voxels do not coincide."""
    corners = np.array(np.meshgrid(*((0, n - 1) for n in inner.size))).reshape(3, -1).T
    shift = outer.index_of(inner.ras_of(corners)) - corners
    start = np.rint(shift[0]).astype(int)
    # A single layer of voxels has all its corners in one plane: the axes have to agree as well.
    turn = np.linalg.inv(outer.affine[:3, :3]) @ inner.affine[:3, :3] - np.eye(3)
    return start if np.abs(shift - start).max() < _SAME_VOXELS and np.abs(turn).max() < _SAME_VOXELS else None
