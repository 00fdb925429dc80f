"""What a session has in the scene: made, brought up to date, watched, and found again after loading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import slicer
import vtk

from OpportunisticBMDLib.ct import CT
from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.result import Box, Result, Segmentation
from OpportunisticBMDLib.scene import box, region, result_table, segmentation, volumes
from OpportunisticBMDLib.scene.observe import SegmentationWatch
from OpportunisticBMDLib.volume import Volume
from OpportunisticBMDPanel.session import Session


@dataclass(frozen=True, eq=False)
class Saved:
    """A result that came with a scene, and its nodes."""

    result: Result
    segmentation_node: Any
    box_node: Any
    table_node: Any
    regions_node: Any
    is_outdated: bool


class Nodes:
    """The scene as the panel sees it.

    Args:
        scene: vtkMRMLScene.
    """

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene
        self._watches: dict[Session, SegmentationWatch] = {}
        self._observed: dict[Session, list[tuple[Any, int]]] = {}

    # From the scene

    def ct(self, session: Session, header: Mapping[str, Any] | None) -> CT:
        """The voxels of a session's volume, and how they were acquired; BadInput where it is no CT."""
        return volumes.ct_of(session.volume_node, header)

    def grid(self, session: Session) -> Grid:
        """Where the volume lies now."""
        return volumes.volume_of(session.volume_node).grid

    def labels(self, session: Session) -> Volume:
        """The masks on the screen, on the volume's grid; BadInput where they cannot be told apart."""
        return segmentation.labels_of(session.segmentation_node, self.grid(session))

    def segmentation(self, session: Session) -> Segmentation:
        """The masks on the screen, with the confidence that the network had in them."""
        return segmentation.segmentation_of(session.segmentation_node, self.grid(session))

    def box(self, session: Session) -> Box:
        """The box on the screen."""
        return box.box_of(session.box_node)

    def is_box_moved(self, session: Session) -> bool:
        """The box on the screen is not the one that the masks were found in."""
        return self._is_here(session.box_node) and box.moved_by_hand(session.box_node)

    def saved(self) -> Iterator[tuple[Any, Saved]]:
        """The volumes that have a result in the scene. A damaged result is left alone, as any table would be."""
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
            yield volume, Saved(result, masks, roi, table, regions, result_table.is_outdated(table))

    # To the scene

    def show(self, session: Session) -> None:
        """Masks, box, regions and table of a run, in place of those of an earlier run."""
        self._show_segmentation(session)
        self._show_box(session)
        if not self._is_here(session.regions_node):
            session.regions_node = None
        self._show_regions(session)
        self._remove(session.table_node)
        session.table_node = result_table.create_table(
            self._scene,
            session.result,
            session.volume_node,
            session.segmentation_node,
            session.box_node,
            session.regions_node,
        )

    def update_table(self, session: Session) -> None:
        """The table's numbers, and the regions on the screen, are those of the session's result."""
        self._show_regions(session)
        if self._is_here(session.table_node):
            result_table.update_table(session.table_node, session.result)

    def mark_outdated(self, session: Session) -> None:
        """The table's numbers are older than the masks: a scene may be saved at this moment."""
        if self._is_here(session.table_node):
            result_table.mark_outdated(session.table_node)

    def relabel(self, session: Session, by: int) -> None:
        """Moves all names by one vertebra, +1 towards the feet; BadInput where there is no further."""
        segmentation.relabel(session.segmentation_node, by)

    def show_box(self, session: Session, visible: bool) -> None:
        """Shows or hides the box."""
        if self._is_here(session.box_node):
            session.box_node.SetDisplayVisibility(visible)

    # News from the scene

    def watch(
        self,
        session: Session,
        on_masks: Callable[[], None],
        on_box: Callable[[], None],
        on_voxels: Callable[[], None],
    ) -> None:
        """Calls back when the reader changes a mask, the box, or the volume."""
        self.unwatch(session)
        observed = self._observed.setdefault(session, [])

        def observe(subject: Any, event: int, callback: Callable[[], None]) -> None:
            observed.append((subject, subject.AddObserver(event, lambda caller, name: callback())))

        observe(session.volume_node, slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent, on_voxels)
        if session.segmentation_node is not None:
            self._watches[session] = SegmentationWatch(session.segmentation_node, on_masks)
        if session.box_node is not None:
            observe(session.box_node, vtk.vtkCommand.ModifiedEvent, on_box)
            observe(session.box_node, slicer.vtkMRMLMarkupsNode.PointModifiedEvent, on_box)

    def look(self) -> None:
        """Asks for changes that some versions make without telling."""
        for watch in list(self._watches.values()):
            watch.check()

    def unwatch(self, session: Session) -> None:
        watch = self._watches.pop(session, None)
        if watch is not None:
            watch.close()
        for subject, tag in self._observed.pop(session, []):
            subject.RemoveObserver(tag)

    # How

    def _is_here(self, node: Any) -> bool:
        """The reader may have deleted it."""
        return node is not None and bool(self._scene.IsNodePresent(node))

    def _show_segmentation(self, session: Session) -> None:
        found = session.run.segmentation
        if found is None:
            self._remove(session.segmentation_node)
            session.segmentation_node = None
            return
        # A new node: names that were moved, and neighbours that they left, belong to the old masks.
        self._remove(session.segmentation_node)
        session.segmentation_node = segmentation.create_segmentation(self._scene, found, session.volume_node)

    def _show_box(self, session: Session) -> None:
        found = session.result.box
        if found is None:
            self._remove(session.box_node)
            session.box_node = None
        elif self._is_here(session.box_node):
            box.set_box(session.box_node, found)
        else:
            name = f"{session.volume_node.GetName()} {box.NAME}"
            session.box_node = box.create_roi(self._scene, found, name, session.volume_node)

    def _show_regions(self, session: Session) -> None:
        """Where the result was read; a model that the reader deleted or hid stays so until the next run."""
        found = [v.region for v in session.result.vertebrae.values() if v.measurable and v.region is not None]
        if self._is_here(session.regions_node):
            region.set_regions(session.regions_node, found)
        elif session.regions_node is None and found:
            name = f"{session.volume_node.GetName()} {region.NAME}"
            session.regions_node = region.create_model(self._scene, found, name, session.volume_node)

    def _remove(self, node: Any) -> None:
        if self._is_here(node):
            self._scene.RemoveNode(node)
