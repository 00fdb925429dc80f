"""What was made of a volume in the scene: shown, brought up to date, watched, and found again after loading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.scene import appearance, box, kept_segments, region, result_table, segmentation, volumes
from OpportunisticBMDLib.scene.box import KeptBox
from OpportunisticBMDLib.scene.kept_segments import KeptSegments
from OpportunisticBMDLib.scene.observe import SegmentationWatch
from OpportunisticBMDPanel.slicer.volume_nodes import VolumeNodes


@dataclass(frozen=True, eq=False)
class SavedResult:
    """A result that came with a scene, and its nodes.

    Args:
        is_outdated: the masks were changed after it was measured.
    """

    result: Result
    nodes: VolumeNodes
    is_outdated: bool


class Nodes:
    """The scene as the panel sees it.

    Args:
        scene: vtkMRMLScene.
    """

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene
        self._watches: dict[VolumeNodes, SegmentationWatch] = {}
        self._observed: dict[VolumeNodes, list[tuple[Any, int]]] = {}

    # From the scene

    def ct(self, nodes: VolumeNodes, header: Mapping[str, Any] | None) -> CT:
        """The voxels of a volume in HU, and how they were acquired.

        Raises:
            BadInput: the volume is no CT.
        """
        return volumes.ct_of(nodes.volume_node, header)

    def grid(self, nodes: VolumeNodes) -> Grid:
        """Where the volume lies now, in RAS mm of the world.

        Raises:
            BadInput: it has no voxels, is sheared, or lies under a transform that is not linear.
        """
        return volumes.volume_of(nodes.volume_node).grid

    def labels(self, nodes: VolumeNodes) -> Volume:
        """The masks on the screen, as a label map on the volume's grid.

        Raises:
            BadInput: there are none, or two of one vertebra.
        """
        return segmentation.labels_of(nodes.segmentation_node, self.grid(nodes))

    def segmentation(self, nodes: VolumeNodes) -> Segmentation:
        """The masks on the screen, with the confidence that the network had in them."""
        return segmentation.segmentation_of(nodes.segmentation_node, self.grid(nodes))

    def box(self, nodes: VolumeNodes) -> Box:
        """The box on the screen."""
        return box.box_of(nodes.box_node)

    def has_box(self, nodes: VolumeNodes) -> bool:
        """Whether there is a box that the reader did not delete."""
        return self._is_here(nodes.box_node)

    def is_box_shown(self, nodes: VolumeNodes) -> bool:
        """Whether the box can be seen; the eye in the Data module hides and shows it, too."""
        return self.has_box(nodes) and bool(nodes.box_node.GetDisplayVisibility())

    def is_box_moved(self, nodes: VolumeNodes) -> bool:
        """Whether the box on the screen is another one than that in which the masks were found."""
        return self.has_box(nodes) and box.moved_by_hand(nodes.box_node)

    def kept_masks(self, nodes: VolumeNodes, grid: Grid) -> KeptSegments | None:
        """All that is drawn now, to be put back later; None where there are no masks.

        Raises:
            BadInput: the masks lie under a transform that is not linear, or cannot be turned into voxels.
        """
        return kept_segments.keep(nodes.segmentation_node, grid) if self._is_here(nodes.segmentation_node) else None

    def kept_box(self, nodes: VolumeNodes) -> KeptBox | None:
        """Where the box lies now, to be put back later; None where there is none.

        Raises:
            BadInput: it lies under a transform that is not linear.
        """
        return box.keep(nodes.box_node) if self.has_box(nodes) else None

    def saved(self) -> Iterator[SavedResult]:
        """The results that are in the scene, one a volume. A damaged result is left alone, as any table would be."""
        for table in result_table.result_tables(self._scene):
            volume = result_table.volume_node_of(table)
            try:
                result = result_table.result_of(table)
            except BadInput:
                continue
            if volume is None or result is None or result_table.table_for(self._scene, volume) is not table:
                continue
            masks, roi = result_table.segmentation_node_of(table), result_table.roi_node_of(table)
            regions = result_table.regions_node_of(table)
            nodes = VolumeNodes(volume, masks, roi, table, regions)
            yield SavedResult(result, nodes, result_table.is_outdated(table))

    # To the scene

    def show(self, nodes: VolumeNodes, run: Run) -> None:
        """Masks, box, regions and table of a run, in place of those of an earlier run."""
        self._show_segmentation(nodes, run.segmentation)
        self._show_box(nodes, run.result.box)
        if not self._is_here(nodes.regions_node):
            nodes.regions_node = None
        self._show_regions(nodes, run.result)
        self._show_table(nodes, run.result)

    def put_back(
        self,
        nodes: VolumeNodes,
        kept_masks: KeptSegments | None,
        kept_box: KeptBox | None,
        result: Result | None,
    ) -> None:
        """Masks and box as they were, in the nodes that are there, and the result that they had.

        Raises:
            BadInput: the volume or the masks lie under a transform that is not linear.
        """
        before = nodes.segmentation_node, nodes.box_node, nodes.regions_node
        self._put_back_masks(nodes, kept_masks)
        self._put_back_box(nodes, kept_box)
        if result is None:
            for node in (nodes.table_node, nodes.regions_node):
                self._remove(node)
            nodes.table_node = nodes.regions_node = None
            return
        if not self._is_here(nodes.regions_node):
            nodes.regions_node = None
        self._show_regions(nodes, result)
        if self._is_here(nodes.table_node) and before == (nodes.segmentation_node, nodes.box_node, nodes.regions_node):
            result_table.update_table(nodes.table_node, result)
        else:
            self._show_table(nodes, result)

    def update_table(self, nodes: VolumeNodes, result: Result) -> None:
        """The table's numbers, and the regions on the screen, are those of a result from now on."""
        self._show_regions(nodes, result)
        if self._is_here(nodes.table_node):
            result_table.update_table(nodes.table_node, result)

    def mark_outdated(self, nodes: VolumeNodes) -> None:
        """The table's numbers are older than the masks: a scene may be saved at this moment."""
        if self._is_here(nodes.table_node):
            result_table.mark_outdated(nodes.table_node)

    def relabel(self, nodes: VolumeNodes, by: int) -> None:
        """Moves all names by one vertebra: +1 towards the feet, -1 towards the head.

        Raises:
            BadInput: there is no further in this direction.
        """
        segmentation.relabel(nodes.segmentation_node, by)

    def show_box(self, nodes: VolumeNodes, visible: bool) -> None:
        """Shows or hides the box."""
        if self.has_box(nodes):
            nodes.box_node.SetDisplayVisibility(visible)

    # News from the scene

    def watch(
        self,
        nodes: VolumeNodes,
        on_masks: Callable[[], None],
        on_box: Callable[[], None],
        on_eye: Callable[[], None],
        on_voxels: Callable[[], None],
    ) -> None:
        """Calls back when the reader changes a mask, the box, whether the box is shown, or the volume.

        A volume that was moved has other voxels under its masks: `on_masks`.
        """
        self.unwatch(nodes)
        observed = self._observed.setdefault(nodes, [])

        def observe(subject: Any, event: int, callback: Callable[[], None]) -> None:
            observed.append((subject, subject.AddObserver(event, lambda caller, name: callback())))

        observe(nodes.volume_node, slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent, on_voxels)
        on_place = _on_other(lambda: volumes.place_of(nodes.volume_node), on_masks)
        observe(nodes.volume_node, vtk.vtkCommand.ModifiedEvent, on_place)
        observe(nodes.volume_node, slicer.vtkMRMLTransformableNode.TransformModifiedEvent, on_place)
        if nodes.segmentation_node is not None:
            self._watches[nodes] = SegmentationWatch(nodes.segmentation_node, on_masks)
        if nodes.box_node is not None:
            observe(nodes.box_node, vtk.vtkCommand.ModifiedEvent, on_box)
            observe(nodes.box_node, slicer.vtkMRMLMarkupsNode.PointModifiedEvent, on_box)
            # A handle under the mouse changes how the box is displayed, too.
            on_display = _on_other(lambda: self.is_box_shown(nodes), on_eye)
            observe(nodes.box_node, slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent, on_display)

    def look(self) -> None:
        """Looks for changes for which some versions of Slicer send no event."""
        for watch in list(self._watches.values()):
            watch.check()

    def unwatch(self, nodes: VolumeNodes) -> None:
        """Ends `watch`."""
        watch = self._watches.pop(nodes, None)
        if watch is not None:
            watch.close()
        for subject, tag in self._observed.pop(nodes, []):
            subject.RemoveObserver(tag)

    # How

    def _is_here(self, node: Any) -> bool:
        """Whether a node is still in the scene: the reader may have deleted it."""
        return node is not None and bool(self._scene.IsNodePresent(node))

    def _show_segmentation(self, nodes: VolumeNodes, found: Segmentation | None) -> None:
        former = nodes.segmentation_node
        if found is None:
            nodes.segmentation_node = None
            self._remove(former)
            return
        # A new node: names that were moved, and neighbours that they left, belong to the old masks.
        nodes.segmentation_node = segmentation.create_segmentation(self._scene, found, nodes.volume_node)
        if self._is_here(former):
            appearance.show_alike(nodes.segmentation_node, former)
            self._remove(former)

    def _show_box(self, nodes: VolumeNodes, found: Box | None) -> None:
        if found is None:
            self._remove(nodes.box_node)
            nodes.box_node = None
        elif self._is_here(nodes.box_node):
            box.set_box(nodes.box_node, found)
        else:
            self._create_box(nodes, found)

    def _show_regions(self, nodes: VolumeNodes, result: Result) -> None:
        """Where the result was read; a model that the reader deleted or hid stays so until the next run."""
        found = [v.middle.region for v in result.vertebrae.values() if isinstance(v, MeasuredVertebra)]
        if self._is_here(nodes.regions_node):
            region.set_regions(nodes.regions_node, found)
        elif nodes.regions_node is None and found:
            name = f"{nodes.volume_node.GetName()} {region.NAME}"
            nodes.regions_node = region.create_model(self._scene, found, name, nodes.volume_node)

    def _show_table(self, nodes: VolumeNodes, result: Result) -> None:
        self._remove(nodes.table_node)
        nodes.table_node = result_table.create_table(
            self._scene,
            result,
            nodes.volume_node,
            nodes.segmentation_node,
            nodes.box_node,
            nodes.regions_node,
        )

    def _put_back_masks(self, nodes: VolumeNodes, kept: KeptSegments | None) -> None:
        if kept is None:
            former, nodes.segmentation_node = nodes.segmentation_node, None
            self._remove(former)
            return
        grid = self.grid(nodes)
        if not self._is_here(nodes.segmentation_node):
            nothing = Segmentation(Volume(np.zeros(grid.size, np.uint8), grid), {})
            nodes.segmentation_node = segmentation.create_segmentation(self._scene, nothing, nodes.volume_node)
        kept_segments.put_back(nodes.segmentation_node, kept, grid)

    def _put_back_box(self, nodes: VolumeNodes, kept: KeptBox | None) -> None:
        if kept is None:
            self._remove(nodes.box_node)
            nodes.box_node = None
        elif self._is_here(nodes.box_node):
            box.put_back(nodes.box_node, kept)
        else:
            self._create_box(nodes, kept)

    def _create_box(self, nodes: VolumeNodes, place: Box | KeptBox) -> None:
        name = f"{nodes.volume_node.GetName()} {box.NAME}"
        is_shown = box.is_latest_shown(self._scene)
        nodes.box_node = box.create_roi(self._scene, place, name, nodes.volume_node)
        nodes.box_node.SetDisplayVisibility(is_shown)

    def _remove(self, node: Any) -> None:
        if self._is_here(node):
            self._scene.RemoveNode(node)


def _on_other(look: Callable[[], object], callback: Callable[[], None]) -> Callable[[], None]:
    """Calls back only where `look` gives something else than it gave before."""
    known = look()

    def compare() -> None:
        nonlocal known
        now = look()
        if now != known:
            known = now
            callback()

    return compare
