"""The case in work as it lies in the scene: its CT, its masks, the Segment Editor on them, and news of every change."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import slicer

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.scene.observe import SegmentationWatch
from OpportunisticBMDLib.scene.segmentation import create_segmentation, labels_of, set_labels
from OpportunisticBMDLib.scene.volumes import node_from_volume


class CaseNodes:
    """Nodes of one case at a time; those of the former case leave the scene.

    Args:
        scene: vtkMRMLScene.
        edited: called whenever a mask was changed by hand.
    """

    def __init__(self, scene: slicer.vtkMRMLScene, edited: Callable[[], None]) -> None:
        self._scene, self._edited = scene, edited
        self.volume_node: Any = None
        self.segmentation_node: Any = None
        self._grid: Grid | None = None
        self._others: list[Any] = []
        self._watch: SegmentationWatch | None = None

    @property
    def are_here(self) -> bool:
        """Whether the case can be worked on: the reader may have deleted its nodes, or closed the scene."""
        nodes = (self.volume_node, self.segmentation_node)
        return all(node is not None and self._scene.IsNodePresent(node) for node in nodes)

    def show(self, name: str, ct: Volume, labels: Volume) -> None:
        """Puts a case into the scene, in place of the former one."""
        self.remove()
        self._grid = ct.grid
        self.volume_node = node_from_volume(self._scene, ct, name)
        self.segmentation_node = create_segmentation(self._scene, Segmentation(labels, {}), self.volume_node)
        self._watch = SegmentationWatch(self.segmentation_node, self._edited)

    def put(self, labels: Volume) -> None:
        """Replaces the masks, which does not count as an edit by hand."""
        with self._watch.paused() if self._watch else nullcontext():
            set_labels(self.segmentation_node, labels, self.volume_node)

    def adopt(self, segmentation_node: Any, others: list[Any]) -> None:
        """Works on the masks that the panel made of this case's volume from now on.

        Args:
            others: what else it made: these nodes leave the scene together with the case.
        """
        former, self.segmentation_node = self.segmentation_node, segmentation_node
        self._others = [node for node in others if node is not None]
        self._close_watch()
        self._watch = SegmentationWatch(segmentation_node, self._edited)
        if former is not segmentation_node and self._scene.IsNodePresent(former):
            self._scene.RemoveNode(former)

    def labels(self) -> Volume:
        """The masks on the screen, on the CT's grid.

        Raises:
            BadInput: none of T12, L1 and L2 is among the segments, or one is there twice.
            RuntimeError: no case is in the scene.
        """
        if self._grid is None:
            raise RuntimeError("no case is in the scene")
        return labels_of(self.segmentation_node, self._grid)

    def look_for_edits(self) -> None:
        """Some edits give no event; a timer looks for them."""
        if self._watch is not None:
            self._watch.check()

    def remove(self) -> None:
        """Takes the case out of the scene."""
        self._close_watch()
        for node in (*self._others, self.segmentation_node, self.volume_node):
            if node is not None and self._scene.IsNodePresent(node):
                self._scene.RemoveNode(node)
        self.volume_node = self.segmentation_node = self._grid = None
        self._others = []

    def _close_watch(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
