"""Vertebra masks as a segmentation node: made, read back, replaced, and moved by one vertebra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import slicer
import vtk

from OpportunisticBMDLib.core.difference import changed_vertebrae
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.dicom.codes import NEIGHBOUR_COLOUR, SEGMENT_COLOURS, VERTEBRA_CODES
from OpportunisticBMDLib.dicom.terminology import SegmentName, codes_in, entry, naming
from OpportunisticBMDLib.scene.labelmap import (
    LABELMAP,
    SURFACE,
    cropped_image,
    is_empty,
    make_editable,
    mask_of,
    paint,
    with_labelmaps,
)
from OpportunisticBMDLib.scene.placement import moved, place_beside, to_world

SPINE = tuple(VERTEBRA_CODES)  # from head to foot, the neighbours of T12 to L2 among them
_TERMINOLOGY_TAG = "TerminologyEntry"
_CONFIDENCE_TAG = "OpportunisticBMD.Confidence"
FILL = 0.25  # opacity in slices: the bone has to be seen under its mask; Slicer's 0.5 hides it


def create_segmentation(scene: Any, segmentation: Segmentation, volume_node: Any) -> Any:
    """A new, editable segmentation node with the segments T12, L1 and L2, shown as surfaces too.

    It takes the volume's geometry, lies under the volume's transform, and beside the volume in the subject hierarchy.

    Args:
        segmentation: labels on any grid in world RAS, usually the volume's.

    Raises:
        BadInput: the volume lies under a transform that is not linear.
    """
    to_node = np.linalg.inv(to_world(volume_node))
    labels = segmentation.labels
    image = cropped_image(labels.array, to_node @ labels.grid.affine)
    segments = [_new_segment(name, image, segmentation.confidence.get(name)) for name in VERTEBRAE]
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{volume_node.GetName()} T12-L2")
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetOpacity2DFill(FILL)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    for name, segment in zip(VERTEBRAE, segments):
        node.GetSegmentation().AddSegment(segment, name)
    node.CreateClosedSurfaceRepresentation()
    place_beside(node, volume_node)
    return node


def labels_of(node: Any, grid: Grid) -> Volume:
    """The vertebra masks of any segmentation node, voxel for voxel on a CT's grid.

    Segments are found by the name T12, L1, L2, else by their SNOMED code. Where they overlap, the lower vertebra wins.

    Args:
        grid: in world RAS, as `volumes.volume_of` gives it.

    Returns:
        A uint8 label map; 0 for a vertebra that has no segment or an empty one.

    Raises:
        BadInput: none of the three is there, one is there twice, or the node lies under a transform that bends it.
    """
    found = {name: ids for name, ids in _by_vertebra(node.GetSegmentation()).items() if name in VERTEBRAE}
    if not found:
        raise BadInput(f"{node.GetName()} has no segment T12, L1 or L2; name its segments so.")
    node_to_world = to_world(node)
    segments = with_labelmaps(node, grid, np.linalg.inv(node_to_world))
    labels = _empty(grid)
    for name in VERTEBRAE:
        if name not in found:
            continue
        mask = mask_of(segments.GetSegment(_only(found[name], name, node)))
        if mask is not None:
            in_world = Volume(mask.array, moved(mask.grid, node_to_world, node.GetName()))
            paint(labels, in_world, LABELS[name])
    return labels


def segmentation_of(node: Any, grid: Grid) -> Segmentation:
    """`labels_of`, with the confidence that the network had in each mask when it made it."""
    segmentation = node.GetSegmentation()
    confidence = {}
    for name, ids in _by_vertebra(segmentation).items():
        value = _tag(segmentation.GetSegment(ids[0]), _CONFIDENCE_TAG)
        if name in VERTEBRAE and value:
            confidence[name] = float(value)
    return Segmentation(labels_of(node, grid), confidence)


def set_labels(node: Any, labels: Volume, volume_node: Any) -> None:
    """Replaces the masks of T12, L1 and L2 where they differ; other segments stay as they are.

    Args:
        labels: on the volume's grid, world RAS.

    Raises:
        BadInput: a vertebra has two segments, or a node lies under a transform that is not linear.
    """
    to_node = np.linalg.inv(to_world(node))
    segmentation = node.GetSegmentation()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    make_editable(node, labels.grid, to_node)
    has_surfaces = segmentation.ContainsRepresentation(SURFACE)
    _add_missing(segmentation)
    by_vertebra = _by_vertebra(segmentation)
    ids = {name: _only(by_vertebra[name], name, node) for name in VERTEBRAE}
    changed = [name for name in VERTEBRAE if name in changed_vertebrae(labels_of(node, labels.grid), labels)]
    # All are emptied first: an old mask that overlaps a new one would push it into a layer of its own.
    for name in changed:
        segmentation.ClearSegment(ids[name])
    replace = slicer.vtkSlicerSegmentationsModuleLogic.MODE_REPLACE
    ranges = extent(labels.array) or (slice(0, 1),) * 3
    part, start = labels.array[ranges], [r.start for r in ranges]
    for name in changed:
        image = cropped_image(part == LABELS[name], to_node @ labels.grid.affine, start)
        slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(image, node, ids[name], replace)
    if has_surfaces:
        node.CreateClosedSurfaceRepresentation()  # emptying a segment took all of them away


def relabel(node: Any, by: int) -> None:
    """Moves all names by one vertebra: +1 towards the feet (what was T12 is L1), -1 towards the head.

    Voxels stay where they are. What falls off the end keeps its segment, named T11 or L3 and not measured, and comes
    back when the names are moved back. The vertebra at the other end gets a new, empty segment.

    Args:
        by: +1 or -1.

    Raises:
        ValueError: another number.
        BadInput: none of T12, L1 and L2 would be left, or a segment would leave T10 to L4.
    """
    if by not in (1, -1):
        raise ValueError(f"names are moved by +1 or -1 vertebra, not by {by}")
    segmentation = node.GetSegmentation()
    moves = {id_: SPINE.index(name) + by for name, ids in _by_vertebra(segmentation).items() for id_ in ids}
    measured = {SPINE.index(name) for name in VERTEBRAE}
    drawn = {id_ for id_ in moves if not is_empty(segmentation.GetSegment(id_))}
    if not any(moves[id_] in measured for id_ in drawn):
        raise BadInput(f"{node.GetName()} cannot be moved further: none of T12, L1 and L2 would be left.")
    if any(not 0 <= moves[id_] < len(SPINE) for id_ in drawn):
        raise BadInput(f"{node.GetName()} cannot be moved further: its segments would leave {SPINE[0]} to {SPINE[-1]}.")
    modified = node.StartModify()
    for id_, place in moves.items():
        if id_ in drawn or place in measured:
            _name(segmentation.GetSegment(id_), SPINE[place])
        else:
            segmentation.RemoveSegment(id_)
    _add_missing(segmentation)
    node.EndModify(modified)


def vertebra_of_segment(node: Any, segment_id: str) -> str | None:
    """ "T12", "L1" or "L2"; None for every other segment, such as a neighbour that is not measured."""
    by_vertebra = _by_vertebra(node.GetSegmentation())
    return next((name for name in VERTEBRAE if segment_id in by_vertebra.get(name, ())), None)


def segment_of_vertebra(node: Any, vertebra: str) -> str | None:
    """The ID of a vertebra's segment, None where there is none; BadInput where there are two."""
    ids = _by_vertebra(node.GetSegmentation()).get(vertebra)
    return _only(ids, vertebra, node) if ids else None


def _empty(grid: Grid) -> Volume:
    """Zeros that lie in memory as VTK's voxels do."""
    return Volume(np.zeros(grid.size[::-1], np.uint8).transpose(2, 1, 0), grid)


def _new_segment(name: str, image: Any, confidence: float | None) -> Any:
    segment = slicer.vtkSegment()
    _name(segment, name)
    segment.SetLabelValue(LABELS[name])
    segment.AddRepresentation(LABELMAP, image)
    if confidence is not None:
        segment.SetTag(_CONFIDENCE_TAG, f"{confidence:.4f}")
    return segment


def _name(segment: Any, vertebra: str) -> None:
    segment.SetName(vertebra)
    segment.SetNameAutoGenerated(False)
    segment.SetColor(SEGMENT_COLOURS.get(vertebra, NEIGHBOUR_COLOUR))
    segment.SetColorAutoGenerated(False)
    segment.SetTag(_TERMINOLOGY_TAG, entry(vertebra))


def _add_missing(segmentation: Any) -> None:
    """Empty segments for those of T12, L1 and L2 that have none, in their place from head to foot."""
    for name in VERTEBRAE:
        by_vertebra = _by_vertebra(segmentation)
        if name in by_vertebra:
            continue
        below = [id_ for lower in SPINE[SPINE.index(name) + 1 :] for id_ in by_vertebra.get(lower, ())]
        places = [segmentation.GetSegmentIndex(id_) for id_ in below]
        id_ = segmentation.AddEmptySegment(segmentation.GenerateUniqueSegmentID(name), name)
        _name(segmentation.GetSegment(id_), name)
        if places:
            segmentation.SetSegmentIndex(id_, min(places))


def _by_vertebra(segmentation: Any) -> Mapping[str, list[str]]:
    """Vertebra, from T10 to L4 -> the IDs of its segments, for those that have any."""
    ids = list(segmentation.GetSegmentIDs())
    segments = [segmentation.GetSegment(id_) for id_ in ids]
    names = [SegmentName(s.GetName() or "", codes_in(_tag(s, _TERMINOLOGY_TAG))) for s in segments]
    found = {vertebra: [ids[place] for place in naming(vertebra, names)] for vertebra in SPINE}
    return {vertebra: of_it for vertebra, of_it in found.items() if of_it}


def _only(ids: list[str], vertebra: str, node: Any) -> str:
    if len(ids) > 1:
        raise BadInput(f"{node.GetName()} has {len(ids)} segments for {vertebra}; keep one of them.")
    return ids[0]


def _tag(segment: Any, name: str) -> str:
    """ "" where the segment has no such tag."""
    value = vtk.reference("")
    return str(value) if segment.GetTag(name, value) else ""
