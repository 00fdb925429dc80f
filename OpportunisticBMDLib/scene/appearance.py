"""How masks are shown: what the reader set for one segmentation node, taken over by the next."""

from __future__ import annotations

from typing import Any

from OpportunisticBMDLib.scene.labelmap import SURFACE
from OpportunisticBMDLib.scene.segmentation import segment_of_vertebra, vertebra_of_segment

_OF_SEGMENTS = (
    "Visibility",
    "Visibility3D",
    "Visibility2DFill",
    "Visibility2DOutline",
    "Opacity3D",
    "Opacity2DFill",
    "Opacity2DOutline",
)
_OF_ALL = ("Visibility2D", "SliceIntersectionThickness", *_OF_SEGMENTS)


def show_alike(node: Any, former: Any) -> None:
    """Shows the masks of a new node as those of another are: eyes, opacities, fill, outline, and whether in 3D."""
    display, model = node.GetDisplayNode(), former.GetDisplayNode()
    if display is None or model is None:
        return
    if not former.GetSegmentation().ContainsRepresentation(SURFACE):
        node.GetSegmentation().RemoveRepresentation(SURFACE)
    modified = display.StartModify()
    for name in _OF_ALL:
        getattr(display, f"Set{name}")(getattr(model, f"Get{name}")())
    for model_id in former.GetSegmentation().GetSegmentIDs():
        vertebra = vertebra_of_segment(former, model_id)
        id_ = segment_of_vertebra(node, vertebra) if vertebra else None
        for name in _OF_SEGMENTS if id_ else ():
            getattr(display, f"SetSegment{name}")(id_, getattr(model, f"GetSegment{name}")(model_id))
    display.EndModify(modified)
