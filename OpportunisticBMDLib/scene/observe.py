"""Tells when the masks of a segmentation node change, until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import slicer
import vtk

from OpportunisticBMDLib.scene.labelmap import LABELMAP
from OpportunisticBMDLib.scene.placement import transform_of

_ON_NODE = (
    slicer.vtkSegmentation.SourceRepresentationModified,
    slicer.vtkSegmentation.RepresentationModified,
    slicer.vtkSegmentation.SegmentAdded,
    slicer.vtkSegmentation.SegmentRemoved,
    # Undo in the Segment Editor says no more than this.
    slicer.vtkSegmentation.SegmentModified,
    slicer.vtkMRMLTransformableNode.TransformModifiedEvent,
    vtk.vtkCommand.ModifiedEvent,
)


class SegmentationWatch:
    """Calls a function when voxels, names or place of a node's segments changed; not for colours and surfaces.

    It ends by `close`, when the node leaves its scene, and when the scene is closed.

    Args:
        node: a segmentation node in a scene.
        changed: called without arguments, from within the event.
    """

    def __init__(self, node: Any, changed: Callable[[], None]) -> None:
        self._node = node
        self._changed = changed
        self._paused = 0
        self._state = _state_of(node)
        scene = node.GetScene()
        self._observed = [(node, node.AddObserver(event, self._look)) for event in _ON_NODE]
        self._observed += [
            (scene, scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, self._end)),
            (scene, scene.AddObserver(slicer.vtkMRMLScene.NodeRemovedEvent, self._end_if_removed)),
        ]

    @property
    def is_open(self) -> bool:
        return self._node is not None

    def check(self) -> None:
        """Looks now. An eraser that empties a segment gives no event in some versions, so a timer may call this."""
        if self._node is None or self._paused:
            return
        state = _state_of(self._node)
        if state != self._state:
            self._state = state
            self._changed()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Changes made within are not told, also not afterwards."""
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1
            if self._node is not None:
                self._state = _state_of(self._node)

    def close(self) -> None:
        """Removes every observer; a second time does nothing."""
        for observed, tag in self._observed:
            observed.RemoveObserver(tag)
        self._observed = []
        self._node = None

    def _look(self, caller: Any, event: str) -> None:
        self.check()

    def _end(self, caller: Any, event: str) -> None:
        self.close()

    def _end_if_removed(self, caller: Any, event: str) -> None:
        if self._node is not None and self._node.GetScene() is None:
            self.close()


def _state_of(node: Any) -> tuple:
    """Cheap to make, and another one after every change of masks, names or place."""
    segmentation = node.GetSegmentation()
    source = segmentation.GetSourceRepresentationName()
    segments = [(id_, segmentation.GetSegment(id_)) for id_ in segmentation.GetSegmentIDs()]
    place = transform_of(node)
    return source, place, tuple((id_, s.GetName(), s.GetLabelValue(), _voxel_time(s, source)) for id_, s in segments)


def _voxel_time(segment: Any, source: str) -> int:
    voxels = segment.GetRepresentation(source) or segment.GetRepresentation(LABELMAP)
    return voxels.GetMTime() if voxels else 0
