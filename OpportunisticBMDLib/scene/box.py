"""The box around T12 to L2 as a markups ROI that can be dragged, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.scene.placement import array_of, matrix_of, place_beside, to_world

NAME = "T12-L2 box"
PLACED_BY_HAND = 1.0  # the score of a box that a reader placed: there is no doubt about it
_ROI = "vtkMRMLMarkupsROINode"
_LOCALIZED = "OpportunisticBMD.Localized"
_SAME_MM = 0.05


@dataclass(frozen=True, eq=False)
class KeptBox:
    """A ROI as it lay.

    Args:
        to_world: (4, 4) from its own coordinates to world RAS.
        size_mm: along its own axes.
        localized: where the localizer put it, as the ROI itself keeps it.
    """

    to_world: np.ndarray
    size_mm: np.ndarray
    localized: str | None

    def is_close(self, other: KeptBox) -> bool:
        """Whether both lie at the same place, but for rounding."""
        return _agree(self._edges_mm, other._edges_mm)

    @property
    def _edges_mm(self) -> np.ndarray:
        """(3, 4): half of each edge, and the centre, in world RAS."""
        edges: np.ndarray = self.to_world[:3] * np.append(self.size_mm / 2, 1.0)
        return edges


def keep(roi: Any) -> KeptBox:
    """Where a ROI lies now.

    Raises:
        BadInput: it lies under a transform that is not linear.
    """
    matrix = to_world(roi) @ array_of(roi.GetObjectToNodeMatrix())
    return KeptBox(matrix, np.array(roi.GetSize()), roi.GetAttribute(_LOCALIZED))


def put_back(roi: Any, kept: KeptBox) -> None:
    """Moves a ROI to where it lay; transforms of it are taken off. How it is shown stays as it is."""
    modified = roi.StartModify()
    roi.SetAndObserveTransformNodeID(None)
    roi.GetObjectToNodeMatrix().DeepCopy(matrix_of(kept.to_world))
    roi.SetSize(*kept.size_mm)
    roi.SetAttribute(_LOCALIZED, kept.localized)
    roi.EndModify(modified)


def create_roi(scene: Any, box: Box | KeptBox, name: str = NAME, volume_node: Any | None = None) -> Any:
    """A new ROI node, axis-aligned in world RAS, or as it was kept. Whether it is shown is left to the caller.

    Args:
        volume_node: beside which the ROI is placed in the subject hierarchy; None leaves it at the top.
    """
    roi = scene.AddNewNodeByClass(_ROI, name)
    roi.CreateDefaultDisplayNodes()
    # Filled, it would dim the vertebrae that it is there to show.
    roi.GetDisplayNode().SetFillVisibility(False)
    if isinstance(box, KeptBox):
        put_back(roi, box)
    else:
        set_box(roi, box)
    if volume_node is not None:
        place_beside(roi, volume_node)
    return roi


def is_latest_shown(scene: Any) -> bool:
    """Whether the box that was made last can be seen, as the next one should be; True where there is none."""
    count = scene.GetNumberOfNodesByClass(_ROI)
    rois = [scene.GetNthNodeByClass(number, _ROI) for number in range(count)]
    shown = [bool(roi.GetDisplayVisibility()) for roi in rois if roi.GetAttribute(_LOCALIZED)]
    return not shown or shown[-1]


def set_box(roi: Any, box: Box) -> None:
    """Moves a ROI to where the localizer found the vertebrae; turns and transforms of it are taken off."""
    modified = roi.StartModify()
    roi.SetAndObserveTransformNodeID(None)
    roi.GetObjectToNodeMatrix().Identity()
    roi.SetCenter(*box.centre_ras)
    roi.SetSize(*(box.ras_mm[:, 1] - box.ras_mm[:, 0]))
    roi.SetAttribute(_LOCALIZED, json.dumps({"ras_mm": box.ras_mm.tolist(), "score": box.score}))
    roi.EndModify(modified)


def box_of(roi: Any) -> Box:
    """The axis-aligned box, in world RAS, that encloses a ROI; its own where the ROI is not turned.

    The score is the localizer's where the ROI is still where the localizer put it, else 1.

    Raises:
        BadInput: the ROI has no extent, or lies under a transform that is not linear.
    """
    ras_mm = _bounds(roi)
    if not (ras_mm[:, 1] > ras_mm[:, 0]).all():
        raise BadInput(f"{roi.GetName()} has no extent; draw it around the bodies of T12, L1 and L2.")
    localized = _localized(roi)
    return Box(ras_mm, localized.score if localized and _agree(localized.ras_mm, ras_mm) else PLACED_BY_HAND)


def moved_by_hand(roi: Any) -> bool:
    """Whether a ROI is no longer where `create_roi` or `set_box` put it, or lies under a transform that bends it."""
    localized = _localized(roi)
    try:
        return localized is None or not _agree(localized.ras_mm, _bounds(roi))
    except BadInput:
        return True


def _bounds(roi: Any) -> np.ndarray:
    """(3, 2) mm, of all eight corners."""
    to_node = array_of(roi.GetObjectToNodeMatrix())
    corners = np.array(np.meshgrid(*((-side / 2, side / 2) for side in roi.GetSize()))).reshape(3, -1).T
    turned = to_world(roi) @ to_node
    corners = corners @ turned[:3, :3].T + turned[:3, 3]
    return np.stack((corners.min(axis=0), corners.max(axis=0)), axis=1)


def _localized(roi: Any) -> Box | None:
    kept = roi.GetAttribute(_LOCALIZED)
    if not kept:
        return None
    box = json.loads(kept)
    return Box(np.array(box["ras_mm"]), box["score"])


def _agree(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.abs(first - second).max() < _SAME_MM)
