"""Which nodes belong together in the scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(eq=False)
class VolumeNodes:
    """A CT and the nodes that were made of it; None where it has no such node.

    Args:
        volume_node: vtkMRMLScalarVolumeNode.
        segmentation_node: its masks, a vtkMRMLSegmentationNode.
        box_node: the localizer's box, a vtkMRMLMarkupsROINode.
        table_node: its result, a vtkMRMLTableNode.
        regions_node: a model of the regions that were read.
    """

    volume_node: Any
    segmentation_node: Any = None
    box_node: Any = None
    table_node: Any = None
    regions_node: Any = None
