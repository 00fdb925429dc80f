"""What a step did, in a few words: the tooltips of Undo and Redo."""

from __future__ import annotations

from slicer.i18n import tr as _

from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.scene.kept_segments import KeptSegments
from OpportunisticBMDPanel.history import Snapshot


def step(before: Snapshot, after: Snapshot) -> str:
    """ "L1 left out", "names moved", "mask of L2 edited"; several changes in one step are all named."""
    if after.made_by == "compute":
        return _("BMD computed") if before.result is None else _("BMD computed again")
    if after.made_by == "segment":
        return _("segmented again in the box")
    if after.made_by == "move":
        return _("names moved")
    return ", ".join(_vertebrae(before, after) + _masks(before.masks, after.masks) + _box(before, after))


def _vertebrae(before: Snapshot, after: Snapshot) -> list[str]:
    left_out, taken_back = after.edits.excluded - before.edits.excluded, before.edits.excluded - after.edits.excluded
    words = [_("{vertebra} left out").format(vertebra=name) for name in VERTEBRAE if name in left_out]
    return words + [_("{vertebra} taken back").format(vertebra=name) for name in VERTEBRAE if name in taken_back]


def _masks(before: KeptSegments | None, after: KeptSegments | None) -> list[str]:
    if before == after:
        return []
    if before is None or after is None:
        return [_("masks deleted") if after is None else _("masks added")]
    was, now = ({segment.id: segment for segment in kept.segments} for kept in (before, after))
    if any(now[id_].name != was[id_].name for id_ in now.keys() & was.keys()):
        return [_("names moved")]
    edited = [id_ for id_ in was | now if id_ not in was or id_ not in now or was[id_].drawn != now[id_].drawn]
    if not edited:
        return [_("order of the masks changed")]
    names = [(now.get(id_) or was[id_]).name for id_ in edited]
    return [_("mask of {names} edited").format(names=", ".join(names))]


def _box(before: Snapshot, after: Snapshot) -> list[str]:
    if before.shows_same_box(after):
        return []
    return [_("box deleted") if after.box is None else _("box moved")]
