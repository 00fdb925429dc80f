"""The segments of a node as they were: kept small, and put back into the node or into a new one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import slicer

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.packed import PackedLabels
from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.scene.labelmap import SURFACE, cropped_image, make_editable, mask_of, with_labelmaps
from OpportunisticBMDLib.scene.placement import to_world

_DIGITS = 4  # of a voxel: what is nearer lies at the same place


@dataclass(frozen=True)
class KeptSegment:
    """A segment; two are equal if the same voxels of the CT have the same name.

    Args:
        mask: its voxels, cropped; None where nothing was drawn.
        lattice: (4, 4) row by row, from the mask's index, counted from `start`, to the CT's.
        start: the mask's first voxel, as near to the CT's count as whole numbers come.
        about: vtkSegment with its colour and tags, and no voxels.
    """

    id: str
    name: str
    mask: PackedLabels | None
    lattice: tuple[float, ...]
    start: tuple[int, ...]
    about: Any = field(compare=False)

    @property
    def drawn(self) -> tuple[object, ...]:
        """Tells its voxels from all others."""
        return self.mask, self.lattice, self.start


@dataclass(frozen=True)
class KeptSegments:
    """All segments of a node, in their order."""

    segments: tuple[KeptSegment, ...]


def keep(node: Any, grid: Grid) -> KeptSegments:
    """What a segmentation node holds now, counted in the voxels of its CT.

    Args:
        grid: of the CT, in world RAS.

    Raises:
        BadInput: the node lies under a transform that is not linear, or its segments cannot be turned into voxels.
    """
    node_to_world = to_world(node)
    segmentation = with_labelmaps(node, grid, np.linalg.inv(node_to_world))
    to_ct = np.linalg.inv(grid.affine) @ node_to_world
    ids = segmentation.GetSegmentIDs()
    return KeptSegments(tuple(_kept(id_, segmentation.GetSegment(id_), to_ct) for id_ in ids))


def put_back(node: Any, kept: KeptSegments, grid: Grid) -> None:
    """Makes the segments of a node what they were; how they are shown stays as it is.

    Args:
        grid: of the CT, in world RAS.

    Raises:
        BadInput: as `keep`.
    """
    to_node = np.linalg.inv(to_world(node))
    segmentation = node.GetSegmentation()
    make_editable(node, grid, to_node)
    has_surfaces = segmentation.ContainsRepresentation(SURFACE)
    now = {one.id: one for one in keep(node, grid).segments}
    for id_ in now.keys() - {one.id for one in kept.segments}:
        segmentation.RemoveSegment(id_)
    changed = [one for one in kept.segments if one.id not in now or one.drawn != now[one.id].drawn]
    for place, one in enumerate(kept.segments):
        if one.id not in now:
            segmentation.AddEmptySegment(one.id, one.name)
        segmentation.SetSegmentIndex(one.id, place)
        _describe(segmentation.GetSegment(one.id), one.about)
    # All are emptied first: an old mask that overlaps a new one would push it into a layer of its own.
    for one in changed:
        segmentation.ClearSegment(one.id)
    replace = slicer.vtkSlicerSegmentationsModuleLogic.MODE_REPLACE
    for one in changed:
        if one.mask is not None:
            affine = to_node @ grid.affine @ np.reshape(one.lattice, (4, 4))
            image = cropped_image(one.mask.part, affine, one.start)
            slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(image, node, one.id, replace)
    if has_surfaces:
        node.CreateClosedSurfaceRepresentation()  # emptying a segment took all of them away


def _kept(id_: str, segment: Any, to_ct: np.ndarray) -> KeptSegment:
    about = slicer.vtkSegment()
    about.DeepCopyMetadata(segment)
    mask = mask_of(segment)
    ranges = extent(mask.array) if mask is not None else None
    if mask is None or ranges is None:
        return KeptSegment(id_, segment.GetName(), None, (), (), about)
    drawn = mask.part(ranges)
    lattice = to_ct @ drawn.grid.affine
    start = np.rint(lattice[:3, 3])
    lattice[:3, 3] -= lattice[:3, :3] @ start
    rounded = np.round(lattice, _DIGITS).ravel().tolist()
    packed = PackedLabels.of(drawn.array)
    return KeptSegment(id_, segment.GetName(), packed, tuple(rounded), tuple(start.astype(int).tolist()), about)


def _describe(segment: Any, about: Any) -> None:
    """Name, colour and tags; which value stands for it among the voxels that it shares is the node's own affair."""
    value = segment.GetLabelValue()
    segment.DeepCopyMetadata(about)
    segment.SetLabelValue(value)
